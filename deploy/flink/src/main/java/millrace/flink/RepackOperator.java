package millrace.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.types.Row;

/**
 * Splits blocks of rows by the shard of another key and packs them anew: Row(shard key, block).
 *
 * <p>Answers that travel in the same stream are passed over. A block leaves as in {@link
 * PackOperator}, and before every watermark; so this operator has no state either.
 */
final class RepackOperator extends AbstractStreamOperator<Row>
    implements OneInputStreamOperator<byte[], Row> {
  private static final long serialVersionUID = 1L;

  private final RepackSettings settings;
  private transient RowBlocks.Builder[] builders;
  private transient Backlog backlog;
  private transient Linger linger;
  private transient byte[] scratch;

  RepackOperator(StreamOperatorParameters<Row> parameters, RepackSettings settings) {
    super(parameters);
    this.backlog = Backlog.of(parameters, settings.shardKeys);
    this.settings = settings;
  }

  @Override
  public void open() throws Exception {
    super.open();
    builders = new RowBlocks.Builder[settings.shardKeys.length];
    Arrays.setAll(builders, i -> new RowBlocks.Builder());
    scratch = Shards.scratch();
    linger =
        new Linger(
            getProcessingTimeService(),
            settings.lingerMs,
            backlog,
            builders.length,
            shard -> builders[shard].count() > 0,
            this::emit);
  }

  @Override
  public void processElement(StreamRecord<byte[]> element) {
    byte[] block = element.getValue();
    if (!RowBlocks.holdsRows(block)) {
      return;
    }
    ByteBuffer in = RowBlocks.in(block);
    int count = RowBlocks.count(block);
    int cells = in.getInt(8);
    int row = RowBlocks.HEADER_BYTES;
    for (int i = 0; i < count; i++) {
      long key = in.getLong(row + RowBlocks.CELL_BYTES * settings.keyCell);
      int shard = Shards.of(key, builders.length, scratch);
      RowBlocks.Builder builder = builders[shard];
      if (settings.cells.length == 0) {
        builder.add(block, row, cells);
      } else {
        builder.add(in, row, settings.cells);
      }
      if (builder.count() >= settings.blockRecords || builder.bytes() >= settings.blockBytes) {
        emit(shard);
      }
      row += RowBlocks.CELL_BYTES * cells;
    }
    linger.begin();
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
    output.collect(
        new StreamRecord<>(Row.of(settings.shardKeys[shard], builders[shard].build())));
  }
}
