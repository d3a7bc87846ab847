package millrace.flink;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;

/**
 * Puts the records of each shard in order: event time, labels first, source partition, offset.
 *
 * <p>Records wait until the watermark has reached them. They wait in memory and are written to
 * keyed state with each checkpoint. One that comes behind the watermark goes on with the next one.
 */
final class OrderOperator extends AbstractStreamOperator<Row>
    implements OneInputStreamOperator<Row, Row> {
  private static final long serialVersionUID = 1L;
  private static final String STATE = "held";

  private final int blockRecords;
  private transient Map<Row, Held> held;
  private transient ListState<byte[]> stored;

  OrderOperator(StreamOperatorParameters<Row> parameters, int blockRecords) {
    super(parameters);
    this.blockRecords = blockRecords;
  }

  @Override
  public void open() throws Exception {
    super.open();
    held = new HashMap<>();
    stored =
        getPartitionedState(
            VoidNamespace.INSTANCE,
            VoidNamespaceSerializer.INSTANCE,
            new ListStateDescriptor<>(
                STATE, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    for (Row key : storedKeys()) {
      setCurrentKey(key);
      for (byte[] block : stored.get()) {
        heldOf(key).add(block);
      }
    }
  }

  @Override
  public void processElement(StreamRecord<Row> element) {
    Row shardAndBlock = element.getValue();
    heldOf(Row.of(shardAndBlock.getField(0))).add((byte[]) shardAndBlock.getField(1));
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    release(mark.getTimestamp());
    super.processWatermark(mark);
  }

  /** Gives what is left: Flink keeps the last watermark of a source that is idle to itself. */
  @Override
  public void finish() {
    release(Long.MAX_VALUE);
  }

  @Override
  public void snapshotState(StateSnapshotContext context) throws Exception {
    super.snapshotState(context);
    for (Map.Entry<Row, Held> entry : held.entrySet()) {
      setCurrentKey(entry.getKey());
      List<byte[]> blocks = new ArrayList<>();
      entry.getValue().copy(blocks::add);
      stored.update(blocks);
    }
    held.values().removeIf(Held::isEmpty);
  }

  private void release(long until) {
    held.forEach(
        (key, one) ->
            one.release(
                until,
                block -> output.collect(new StreamRecord<>(Row.of(key.getField(0), block)))));
  }

  private Held heldOf(Row key) {
    return held.computeIfAbsent(key, absent -> new Held(blockRecords));
  }

  private List<Row> storedKeys() {
    try (Stream<Row> keys =
        this.<Row>getKeyedStateBackend().getKeys(STATE, VoidNamespace.INSTANCE)) {
      return keys.collect(Collectors.toList());
    }
  }
}
