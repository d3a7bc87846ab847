package millrace.flink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Blocks of rows of fixed width, between two Python stages; little-endian:
 *
 * <pre>
 * int32 -1, int32 n, int32 cells, int32 0; int64 cell[n][cells]
 * </pre>
 *
 * The first cells of a row are, in this order, what rows are ordered by (event time in
 * milliseconds; the source; the source offset) and the entity key. The source is, from the highest
 * byte on, 0 for the change of a label and 1 for a record, four bytes of the source partition, two
 * of the shard, and a byte of flags. What follows is udfs.functions.record_rows' own. What goes to
 * the join of labels has cells of its own choice, and is never put in order. The first int tells
 * row blocks, and those of {@link ToldLabels}, from raw blocks and from answers, which begin with a
 * number that is not negative.
 */
final class RowBlocks {
  static final int ROWS = -1;
  static final int HEADER_BYTES = 16;
  static final int CELL_BYTES = 8;
  static final int TIME = 0;
  static final int SOURCE = 1;
  static final int OFFSET = 2;
  static final int KEY = 3;

  private static final int PARTITION_BIT = 24;
  private static final int STREAM_BIT = 8;
  private static final long STREAM_MASK = (1L << 48) - 1;

  private RowBlocks() {}

  static ByteBuffer in(byte[] block) {
    return ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What sources are ordered by: changes of labels before records, then the partition. */
  static long orderOf(long source) {
    return source >>> PARTITION_BIT;
  }

  /** The stream of a record's source: partition and shard. */
  static long streamOf(long source) {
    return source >>> STREAM_BIT & STREAM_MASK;
  }

  /** The source of a label of a partition. */
  static long ofLabel(int partition) {
    return (long) partition << PARTITION_BIT;
  }

  /** Whether a block holds rows. */
  static boolean holdsRows(byte[] block) {
    return block.length >= HEADER_BYTES && in(block).getInt(0) == ROWS;
  }

  /** How many rows a block holds. */
  static int count(byte[] block) {
    return in(block).getInt(4);
  }

  /** Whether a block is an answer, where it is no raw block. */
  static boolean isAnswer(byte[] block) {
    return in(block).getInt(0) >= 0;
  }

  /** Rows that are being collected; their width is that of the first. */
  static final class Builder {
    private byte[] bytes = new byte[HEADER_BYTES];
    private int length = HEADER_BYTES;
    private int count;
    private int cells;

    int count() {
      return count;
    }

    int bytes() {
      return length;
    }

    /** Adds some cells of the row that begins at {@code from}. */
    void add(ByteBuffer block, int from, int[] chosen) {
      int at = room(chosen.length);
      ByteBuffer out = in(bytes);
      for (int cell : chosen) {
        out.putLong(at, block.getLong(from + CELL_BYTES * cell));
        at += CELL_BYTES;
      }
    }

    /** Adds the row of so many cells that begins at {@code from}. */
    void add(byte[] block, int from, int cellsOfRow) {
      int at = room(cellsOfRow);
      System.arraycopy(block, from, bytes, at, CELL_BYTES * cellsOfRow);
    }

    /** Adds a row of these cells. */
    void add(long[] row) {
      int at = room(row.length);
      ByteBuffer out = in(bytes);
      for (long cell : row) {
        out.putLong(at, cell);
        at += CELL_BYTES;
      }
    }

    /** The block of all rows since the last call; the builder is empty again. */
    byte[] build() {
      in(bytes).putInt(0, ROWS).putInt(4, count).putInt(8, cells).putInt(12, 0);
      byte[] block = Arrays.copyOf(bytes, length);
      count = 0;
      length = HEADER_BYTES;
      return block;
    }

    private int room(int cellsOfRow) {
      if (count > 0 && cellsOfRow != cells) {
        throw new IllegalStateException(
            "a row of " + cellsOfRow + " cells among rows of " + cells);
      }
      cells = cellsOfRow;
      int at = length;
      length += CELL_BYTES * cells;
      if (length > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length));
      }
      count++;
      return at;
    }
  }
}
