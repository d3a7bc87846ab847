package millrace.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.TreeMap;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;

/**
 * Passes the frames of a history on, and makes a file once a complete checkpoint holds what all of
 * them led to. It runs in one subtask behind the source: each frame comes before the barrier.
 */
final class HistoryEnd
    implements MapFunction<byte[], byte[]>, CheckpointedFunction, CheckpointListener {
  private static final long serialVersionUID = 1L;

  private final long frames;
  private final String filled;
  private long count;
  private transient ListState<Long> stored;
  private transient TreeMap<Long, Long> countAt;

  HistoryEnd(long frames, String filled) {
    this.frames = frames;
    this.filled = filled;
  }

  @Override
  public void initializeState(FunctionInitializationContext context) throws Exception {
    stored = context.getOperatorStateStore().getListState(
        new ListStateDescriptor<>("frames", Types.LONG));
    countAt = new TreeMap<>();
    count = 0;
    for (long one : stored.get()) {
      count += one;
    }
  }

  @Override
  public byte[] map(byte[] frame) {
    count++;
    return frame;
  }

  @Override
  public void snapshotState(FunctionSnapshotContext context) throws Exception {
    stored.update(java.util.List.of(count));
    countAt.put(context.getCheckpointId(), count);
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws IOException {
    Long held = countAt.get(checkpointId);
    countAt.headMap(checkpointId, true).clear();
    if (held != null && held > frames) {
      throw new IllegalStateException("the history has more than its " + frames + " frames");
    }
    if (held != null && held == frames) {
      Files.writeString(
          Path.of(filled), "", StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }
  }
}
