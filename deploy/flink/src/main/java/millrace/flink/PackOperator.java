package millrace.flink;

import java.util.Arrays;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;

/**
 * Packs records into blocks, one a shard of the record key, and emits Row(shard key, block).
 *
 * <p>A block leaves when it holds {@code blockRecords} records or {@code blockBytes} bytes, when
 * {@code lingerMs} have passed since the first record of any block and its receiver is not busy
 * (see {@link Linger}), before every checkpoint barrier, every watermark and the end of the input.
 * So the operator needs no state, and nothing stays behind in it: not at a checkpoint, not at a
 * savepoint, not when a bounded source ends.
 */
final class PackOperator extends AbstractStreamOperator<Row>
    implements OneInputStreamOperator<RawRecord, Row> {
  private static final long serialVersionUID = 1L;
  private static final int KEYLESS_SHARD = 0;

  private final int[] shardKeys;
  private final int blockRecords;
  private final int blockBytes;
  private final long lingerMs;
  private transient BlockBuilder[] builders;
  private transient Backlog backlog;
  private transient Linger linger;

  PackOperator(
      StreamOperatorParameters<Row> parameters,
      int[] shardKeys,
      int blockRecords,
      int blockBytes,
      long lingerMs) {
    super(parameters);
    this.backlog = Backlog.of(parameters, shardKeys);
    this.shardKeys = shardKeys;
    this.blockRecords = blockRecords;
    this.blockBytes = blockBytes;
    this.lingerMs = lingerMs;
  }

  @Override
  public void open() throws Exception {
    super.open();
    builders = new BlockBuilder[shardKeys.length];
    Arrays.setAll(builders, i -> new BlockBuilder());
    linger =
        new Linger(
            getProcessingTimeService(),
            lingerMs,
            backlog,
            builders.length,
            shard -> builders[shard].count() > 0,
            this::emit);
  }

  @Override
  public void processElement(StreamRecord<RawRecord> element) {
    RawRecord record = element.getValue();
    int shard = record.key == null ? KEYLESS_SHARD : Shards.of(record.key, shardKeys.length);
    BlockBuilder builder = builders[shard];
    builder.add(record);
    if (builder.count() >= blockRecords || builder.bytes() >= blockBytes) {
      emit(shard);
    } else {
      linger.begin();
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    linger.emitAll();
    super.processWatermark(mark);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) {
    linger.emitAll();
  }

  @Override
  public void finish() {
    linger.emitAll();
  }

  private void emit(int shard) {
    output.collect(new StreamRecord<>(Row.of(shardKeys[shard], builders[shard].build())));
  }
}
