package millrace.flink;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Collects records into one byte array, in columns, little-endian:
 *
 * <pre>
 * int32 n, int32 0; int64 offset[n]; int64 timestamp[n]; int32 partition[n];
 * int32 keyLength[n] (-1: null); int32 valueLength[n] (-1: null); keys; values
 * </pre>
 */
final class BlockBuilder {
  private static final int HEADER_BYTES = 8;
  private static final int COLUMN_BYTES = 28;

  private RawRecord[] records = new RawRecord[64];
  private int count;
  private int keyBytes;
  private int valueBytes;

  int count() {
    return count;
  }

  int bytes() {
    return keyBytes + valueBytes;
  }

  void add(RawRecord record) {
    if (count == records.length) {
      records = Arrays.copyOf(records, count * 2);
    }
    records[count++] = record;
    keyBytes += record.key == null ? 0 : record.key.length;
    valueBytes += record.value == null ? 0 : record.value.length;
  }

  /** The block of all records since the last call; the builder is empty again. */
  byte[] build() {
    byte[] block = new byte[HEADER_BYTES + COLUMN_BYTES * count + keyBytes + valueBytes];
    ByteBuffer out = RowBlocks.in(block);
    int timestamps = HEADER_BYTES + 8 * count;
    int partitions = timestamps + 8 * count;
    int keyLengths = partitions + 4 * count;
    int valueLengths = keyLengths + 4 * count;
    int key = valueLengths + 4 * count;
    int value = key + keyBytes;
    out.putInt(0, count);
    for (int i = 0; i < count; i++) {
      RawRecord record = records[i];
      out.putLong(HEADER_BYTES + 8 * i, record.offset);
      out.putLong(timestamps + 8 * i, record.timestamp);
      out.putInt(partitions + 4 * i, record.partition);
      out.putInt(keyLengths + 4 * i, length(record.key));
      out.putInt(valueLengths + 4 * i, length(record.value));
      key = copy(record.key, block, key);
      value = copy(record.value, block, value);
      records[i] = null;
    }
    count = 0;
    keyBytes = 0;
    valueBytes = 0;
    return block;
  }

  /** The records of a block. */
  static List<RawRecord> records(byte[] block) {
    return records(RowBlocks.in(block), 0);
  }

  /** The records of a block that begins at {@code from}. */
  static List<RawRecord> records(ByteBuffer in, int from) {
    byte[] block = in.array();
    int count = in.getInt(from);
    int offsets = from + HEADER_BYTES;
    int timestamps = offsets + 8 * count;
    int partitions = timestamps + 8 * count;
    int keyLengths = partitions + 4 * count;
    int valueLengths = keyLengths + 4 * count;
    int key = valueLengths + 4 * count;
    int value = key;
    for (int i = 0; i < count; i++) {
      value += Math.max(in.getInt(keyLengths + 4 * i), 0);
    }
    List<RawRecord> records = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int keyLength = in.getInt(keyLengths + 4 * i);
      int valueLength = in.getInt(valueLengths + 4 * i);
      records.add(
          new RawRecord(
              in.getInt(partitions + 4 * i),
              in.getLong(offsets + 8 * i),
              in.getLong(timestamps + 8 * i),
              slice(block, key, keyLength),
              slice(block, value, valueLength)));
      key += Math.max(keyLength, 0);
      value += Math.max(valueLength, 0);
    }
    return records;
  }

  /** One record of a block that begins at {@code from}. */
  static RawRecord record(ByteBuffer in, int from, int row) {
    int count = in.getInt(from);
    int keyLengths = from + HEADER_BYTES + 20 * count;
    int valueLengths = keyLengths + 4 * count;
    int key = valueLengths + 4 * count;
    int value = key;
    for (int i = 0; i < count; i++) {
      int keyLength = Math.max(in.getInt(keyLengths + 4 * i), 0);
      value += keyLength;
      if (i < row) {
        key += keyLength;
        value += Math.max(in.getInt(valueLengths + 4 * i), 0);
      }
    }
    return new RawRecord(
        partition(in, from, row),
        offset(in, from, row),
        in.getLong(from + HEADER_BYTES + 8 * (count + row)),
        slice(in.array(), key, in.getInt(keyLengths + 4 * row)),
        slice(in.array(), value, in.getInt(valueLengths + 4 * row)));
  }

  /** The source offset of a record of a block that begins at {@code from}. */
  static long offset(ByteBuffer in, int from, int row) {
    return in.getLong(from + HEADER_BYTES + 8 * row);
  }

  /** The source partition of a record of a block that begins at {@code from}. */
  static int partition(ByteBuffer in, int from, int row) {
    return in.getInt(from + HEADER_BYTES + 16 * in.getInt(from) + 4 * row);
  }

  private static byte[] slice(byte[] block, int from, int length) {
    return length < 0 ? null : Arrays.copyOfRange(block, from, from + length);
  }

  private static int length(byte[] bytes) {
    return bytes == null ? -1 : bytes.length;
  }

  private static int copy(byte[] bytes, byte[] block, int position) {
    if (bytes == null) {
      return position;
    }
    System.arraycopy(bytes, 0, block, position, bytes.length);
    return position + bytes.length;
  }
}
