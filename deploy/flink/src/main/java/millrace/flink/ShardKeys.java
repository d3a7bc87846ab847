package millrace.flink;

import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.types.Row;

/**
 * The keys of the shards, chosen so that their key groups lie evenly over the range: with any
 * parallelism that divides the number of shards every subtask gets the same number of them.
 */
final class ShardKeys {
  // Rows have two bytes for it.
  private static final int MOST = 0xFFFF;

  private ShardKeys() {}

  /** One key a shard; the same for the same arguments, so state is found again. */
  static int[] of(int shards, int maxParallelism) {
    if (shards < 1 || shards > maxParallelism) {
      throw new IllegalArgumentException(
          "shards must lie in 1.." + maxParallelism + ", not " + shards);
    }
    int[] keys = new int[shards];
    for (int shard = 0; shard < shards; shard++) {
      int group = (shard * maxParallelism + maxParallelism / 2) / shards;
      int key = 0;
      while (KeyGroupRangeAssignment.assignToKeyGroup(Row.of(key), maxParallelism) != group) {
        key++;
      }
      if (key > MOST) {
        throw new IllegalStateException("a shard's key does not fit into two bytes: " + key);
      }
      keys[shard] = key;
    }
    return keys;
  }
}
