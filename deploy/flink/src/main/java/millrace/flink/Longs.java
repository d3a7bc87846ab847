package millrace.flink;

import java.util.Arrays;

/** A list of numbers in chunks of 64 KiB: it grows without being copied. */
final class Longs {
  private static final int BITS = 13;
  private static final int CHUNK = 1 << BITS;

  private long[][] chunks = new long[1][];
  private int size;

  int size() {
    return size;
  }

  long get(int at) {
    return chunks[at >>> BITS][at & CHUNK - 1];
  }

  void set(int at, long value) {
    chunks[at >>> BITS][at & CHUNK - 1] = value;
  }

  void add(long value) {
    int chunk = size >>> BITS;
    if (chunk == chunks.length) {
      chunks = Arrays.copyOf(chunks, 2 * chunk);
    }
    if (chunks[chunk] == null) {
      chunks[chunk] = new long[CHUNK];
    }
    set(size++, value);
  }

  /** Forgets all but the first so many numbers. */
  void truncate(int length) {
    size = length;
    chunks = Arrays.copyOf(chunks, Math.max(length + CHUNK - 1 >>> BITS, 1));
  }
}
