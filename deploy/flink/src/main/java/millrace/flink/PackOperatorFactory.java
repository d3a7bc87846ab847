package millrace.flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.types.Row;

/** Makes a {@link PackOperator} in each subtask. */
final class PackOperatorFactory extends AbstractStreamOperatorFactory<Row>
    implements OneInputStreamOperatorFactory<RawRecord, Row> {
  private static final long serialVersionUID = 1L;

  private final int[] shardKeys;
  private final int blockRecords;
  private final int blockBytes;
  private final long lingerMs;

  PackOperatorFactory(int[] shardKeys, int blockRecords, int blockBytes, long lingerMs) {
    this.shardKeys = shardKeys;
    this.blockRecords = blockRecords;
    this.blockBytes = blockBytes;
    this.lingerMs = lingerMs;
  }

  @Override
  public <T extends StreamOperator<Row>> T createStreamOperator(
      StreamOperatorParameters<Row> parameters) {
    @SuppressWarnings("unchecked")
    T operator =
        (T) new PackOperator(parameters, shardKeys, blockRecords, blockBytes, lingerMs);
    return operator;
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return PackOperator.class;
  }
}
