package millrace.flink;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Values that came as columns and the text between them, little-endian:
 *
 * <pre>
 * int32 c; int32 type[c] (0: int64, 1: float32, 2: bool); int32 textLength[c + 1]; texts;
 * columns, n entries each (8, 4 or 1 bytes)
 * </pre>
 *
 * Value i is text 0, entry i of column 0, text 1, and so on: most of a JSON record is the same in
 * a whole block, and travels once.
 */
final class ColumnLines {
  private static final int INT64 = 0;
  private static final int FLOAT32 = 1;
  private static final int BOOL = 2;
  private static final int[] ENTRY_BYTES = {8, 4, 1};
  private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] FALSE = "false".getBytes(StandardCharsets.US_ASCII);
  private static final int LONGEST_NUMBER = 24;

  /** Between these a score is written without the detour of Float.toString, ten times as fast. */
  private static final float SMALLEST_PLAIN = 1e-3f;

  private static final float LARGEST_PLAIN = 1f;
  private static final long[] POWERS_OF_TEN = {
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    10_000_000_000L, 100_000_000_000L
  };

  private final ByteBuffer in;
  private final int columns;
  private final int[] types;
  private final byte[][] texts;
  private final int[] starts;
  private byte[] line = new byte[512];
  private int length;

  ColumnLines(ByteBuffer in, int from, int count) {
    this.in = in;
    columns = in.getInt(from);
    types = new int[columns];
    texts = new byte[columns + 1][];
    starts = new int[columns + 1];
    int lengths = from + 4 + 4 * columns;
    int at = lengths + 4 * (columns + 1);
    for (int i = 0; i <= columns; i++) {
      texts[i] = Arrays.copyOfRange(in.array(), at, at + in.getInt(lengths + 4 * i));
      at += texts[i].length;
    }
    for (int i = 0; i < columns; i++) {
      types[i] = in.getInt(from + 4 + 4 * i);
      starts[i] = at;
      at += ENTRY_BYTES[types[i]] * count;
    }
    starts[columns] = at;
  }

  /** Where the columns end. */
  int end() {
    return starts[columns];
  }

  /** The bytes of value i. */
  byte[] value(int i) {
    length = 0;
    for (int column = 0; column < columns; column++) {
      append(texts[column]);
      int entry = starts[column] + ENTRY_BYTES[types[column]] * i;
      switch (types[column]) {
        case INT64:
          append(in.getLong(entry));
          break;
        case FLOAT32:
          append(in.getFloat(entry));
          break;
        case BOOL:
          append(in.get(entry) != 0 ? TRUE : FALSE);
          break;
        default:
          throw new IllegalStateException("no column type " + types[column]);
      }
    }
    append(texts[columns]);
    return Arrays.copyOf(line, length);
  }

  private void append(byte[] bytes) {
    reserve(bytes.length);
    System.arraycopy(bytes, 0, line, length, bytes.length);
    length += bytes.length;
  }

  private void append(long number) {
    reserve(LONGEST_NUMBER);
    if (number < 0) {
      append(Long.toString(number).getBytes(StandardCharsets.ISO_8859_1));
      return;
    }
    int digits = 1;
    for (long rest = number / 10; rest > 0; rest /= 10) {
      digits++;
    }
    length += digits;
    for (int at = length - 1; at >= length - digits; at--) {
      line[at] = (byte) ('0' + number % 10);
      number /= 10;
    }
  }

  /** The fewest digits after the point that give the same float again, which is how scores are mostly written. */
  private void append(float number) {
    if (number >= SMALLEST_PLAIN && number <= LARGEST_PLAIN) {
      for (int digits = 1; digits < POWERS_OF_TEN.length; digits++) {
        // Both are exact doubles, so their quotient is the double nearest to the decimal text.
        double scaled = Math.rint(number * (double) POWERS_OF_TEN[digits]);
        if ((float) (scaled / POWERS_OF_TEN[digits]) == number) {
          append((long) scaled, digits);
          return;
        }
      }
    }
    append(Float.toString(number).getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Appends scaled / 10^digits; the number before the point has one digit. */
  private void append(long scaled, int digits) {
    reserve(LONGEST_NUMBER);
    length += digits + 2;
    for (int at = length - 1; at >= length - digits; at--) {
      line[at] = (byte) ('0' + scaled % 10);
      scaled /= 10;
    }
    line[length - digits - 1] = '.';
    line[length - digits - 2] = (byte) ('0' + scaled);
  }

  private void reserve(int more) {
    if (length + more > line.length) {
      line = Arrays.copyOf(line, 2 * (length + more));
    }
  }
}
