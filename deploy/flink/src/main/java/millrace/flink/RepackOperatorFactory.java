package millrace.flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.types.Row;

/** Makes a {@link RepackOperator} in each subtask. */
final class RepackOperatorFactory extends AbstractStreamOperatorFactory<Row>
    implements OneInputStreamOperatorFactory<byte[], Row> {
  private static final long serialVersionUID = 1L;

  private final RepackSettings settings;

  RepackOperatorFactory(RepackSettings settings) {
    this.settings = settings;
  }

  @Override
  public <T extends StreamOperator<Row>> T createStreamOperator(
      StreamOperatorParameters<Row> parameters) {
    @SuppressWarnings("unchecked")
    T operator = (T) new RepackOperator(parameters, settings);
    return operator;
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return RepackOperator.class;
  }
}
