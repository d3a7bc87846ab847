package millrace.flink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A block of labels that can be used, in order of arrival, little-endian:
 *
 * <pre>
 * int32 -2, int32 n; int64 businessId[n]; int64 label[n]; int64 known[n]; a raw block of n records
 * </pre>
 *
 * {@code known} is when the label became known, in milliseconds. The other end is
 * udfs.functions.told_labels.
 */
final class ToldLabels {
  private static final int TOLD = -2;
  private static final int HEADER_BYTES = 8;
  private static final int COLUMNS = 3;

  private final byte[] block;
  private final ByteBuffer in;
  private final int count;

  ToldLabels(byte[] block) {
    this.block = block;
    this.in = RowBlocks.in(block);
    this.count = in.getInt(4);
  }

  /** Whether a block holds labels. */
  static boolean holdsLabels(byte[] block) {
    return block.length >= HEADER_BYTES && RowBlocks.in(block).getInt(0) == TOLD;
  }

  int count() {
    return count;
  }

  byte[] block() {
    return block;
  }

  long id(int row) {
    return cell(0, row);
  }

  long label(int row) {
    return cell(1, row);
  }

  long knownMs(int row) {
    return cell(2, row);
  }

  int partition(int row) {
    return BlockBuilder.partition(in, rawAt(), row);
  }

  long offset(int row) {
    return BlockBuilder.offset(in, rawAt(), row);
  }

  /** The record that a label came in. */
  RawRecord raw(int row) {
    return BlockBuilder.record(in, rawAt(), row);
  }

  /** A block of the labels of these rows. */
  ToldLabels at(int[] rows) {
    List<RawRecord> records = BlockBuilder.records(in, rawAt());
    BlockBuilder builder = new BlockBuilder();
    for (int row : rows) {
      builder.add(records.get(row));
    }
    byte[] raw = builder.build();
    ByteBuffer out =
        ByteBuffer.allocate(HEADER_BYTES + COLUMNS * Long.BYTES * rows.length + raw.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(TOLD).putInt(rows.length);
    for (int column = 0; column < COLUMNS; column++) {
      for (int row : rows) {
        out.putLong(cell(column, row));
      }
    }
    return new ToldLabels(out.put(raw).array());
  }

  private long cell(int column, int row) {
    return in.getLong(HEADER_BYTES + Long.BYTES * (column * count + row));
  }

  private int rawAt() {
    return HEADER_BYTES + COLUMNS * Long.BYTES * count;
  }
}
