package millrace.flink;

import java.util.List;
import org.apache.flink.runtime.execution.Environment;
import org.apache.flink.runtime.io.network.api.writer.ResultPartitionWriter;
import org.apache.flink.runtime.io.network.partition.BufferWritingResultPartition;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.streaming.api.graph.NonChainedOutput;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;

/**
 * Whether the receiver of a shard still has something before it, as far as the sender knows: bytes
 * of the shard's subpartition that it has not taken.
 *
 * <p>What goes to another TaskManager leaves the subpartition as soon as that has a buffer for it,
 * so there a receiver counts as busy only when its buffers are full.
 */
final class Backlog {
  private final BufferWritingResultPartition partition;
  private final int[] subpartitions;

  private Backlog(BufferWritingResultPartition partition, int[] subpartitions) {
    this.partition = partition;
    this.subpartitions = subpartitions;
  }

  /** The backlog behind an operator; where its output does not go by shard, nobody is busy. */
  static Backlog of(StreamOperatorParameters<?> parameters, int[] shardKeys) {
    StreamTask<?, ?> task = parameters.getContainingTask();
    ResultPartitionWriter writer = writer(task, parameters);
    if (!(writer instanceof BufferWritingResultPartition)) {
      return new Backlog(null, new int[0]);
    }
    BufferWritingResultPartition partition = (BufferWritingResultPartition) writer;
    int maxParallelism = task.getEnvironment().getTaskInfo().getMaxNumberOfParallelSubtasks();
    int[] subpartitions = new int[shardKeys.length];
    for (int shard = 0; shard < shardKeys.length; shard++) {
      subpartitions[shard] =
          KeyGroupRangeAssignment.assignKeyToParallelOperator(
              Row.of(shardKeys[shard]), maxParallelism, partition.getNumberOfSubpartitions());
    }
    return new Backlog(partition, subpartitions);
  }

  /** Whether a block of the shard would have to wait. */
  boolean busy(int shard) {
    return partition != null && partition.getBytesInQueueUnsafe(subpartitions[shard]) > 0;
  }

  /** The only writer that an operator sends to; null when there are several, or none. */
  private static ResultPartitionWriter writer(
      StreamTask<?, ?> task, StreamOperatorParameters<?> parameters) {
    Environment environment = task.getEnvironment();
    ClassLoader loader = environment.getUserCodeClassLoader().asClassLoader();
    List<NonChainedOutput> own = parameters.getStreamConfig().getOperatorNonChainedOutputs(loader);
    List<NonChainedOutput> all = task.getConfiguration().getVertexNonChainedOutputs(loader);
    for (int i = 0; i < all.size(); i++) {
      if (own.size() == 1 && all.get(i).getDataSetId().equals(own.get(0).getDataSetId())) {
        return environment.getWriter(i);
      }
    }
    return null;
  }
}
