package millrace.flink;

import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.types.Row;

/** Makes an {@link OrderOperator} in each subtask. */
final class OrderOperatorFactory extends AbstractStreamOperatorFactory<Row>
    implements OneInputStreamOperatorFactory<Row, Row> {
  private static final long serialVersionUID = 1L;

  private final int blockRecords;

  OrderOperatorFactory(int blockRecords) {
    this.blockRecords = blockRecords;
  }

  @Override
  public <T extends StreamOperator<Row>> T createStreamOperator(
      StreamOperatorParameters<Row> parameters) {
    @SuppressWarnings("unchecked")
    T operator = (T) new OrderOperator(parameters, blockRecords);
    return operator;
  }

  @Override
  @SuppressWarnings("rawtypes")
  public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
    return OrderOperator.class;
  }
}
