package millrace.flink;

/** Which shard a key belongs to: by a hash of its bytes, for numbers those of their decimal text. */
final class Shards {
  private static final int MOST_DIGITS = 20;

  private Shards() {}

  /** The shard of a record key. */
  static int of(byte[] key, int shards) {
    int hash = 1;
    for (byte one : key) {
      hash = 31 * hash + one;
    }
    return spread(hash, shards);
  }

  /** The shard of a number: that of a record whose key is the number's decimal text. */
  static int of(long key, int shards, byte[] scratch) {
    if (key < 0) {
      return of(Long.toString(key).getBytes(java.nio.charset.StandardCharsets.US_ASCII), shards);
    }
    int at = scratch.length;
    long rest = key;
    do {
      scratch[--at] = (byte) ('0' + rest % 10);
      rest /= 10;
    } while (rest > 0);
    int hash = 1;
    for (; at < scratch.length; at++) {
      hash = 31 * hash + scratch[at];
    }
    return spread(hash, shards);
  }

  /** Room for the digits of any number. */
  static byte[] scratch() {
    return new byte[MOST_DIGITS];
  }

  private static int spread(int hash, int shards) {
    int mixed = hash * 0x9E3779B9;
    return Math.floorMod(mixed ^ (mixed >>> 16), shards);
  }
}
