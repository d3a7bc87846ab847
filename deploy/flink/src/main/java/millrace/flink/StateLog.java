package millrace.flink;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Events of a shard in chunks, entries {@code name/number} of its state, until they have expired;
 * an event is a row of longs, little-endian.
 * Small appends join the newest chunk until it holds 32 KiB.
 */
final class StateLog {
  private static final int CHUNK_BYTES = 32 * 1024;
  private static final int FIRST_BYTES = 1024;

  private final String name;
  private final Map<String, byte[]> writes;
  private final Map<Integer, Long> newestMs = new HashMap<>();
  private ByteBuffer pending = little(new byte[FIRST_BYTES], 0);
  private long pendingMs = Long.MIN_VALUE;
  private byte[] tail = new byte[0];
  private int newest = -1;

  /** A log whose entries are put into {@code writes}; null stands for one that is dropped. */
  StateLog(String name, Map<String, byte[]> writes) {
    this.name = name;
    this.writes = writes;
  }

  /** The chunks among all entries of a shard, in order; the log goes on behind them. */
  List<ByteBuffer> load(Map<String, byte[]> entries, int cells, int timeCell) {
    List<ByteBuffer> chunks = new ArrayList<>();
    for (int number : numbers(name, entries.keySet())) {
      ByteBuffer chunk = little(entries.get(key(number)), 0);
      newest = number;
      for (int event = 0; event < chunk.capacity(); event += Long.BYTES * cells) {
        newestMs.merge(number, chunk.getLong(event + Long.BYTES * timeCell), Math::max);
      }
      chunks.add(chunk);
    }
    return chunks;
  }

  /** Begins an event of this time; {@link #put} gives its cells. */
  StateLog event(long timeMs) {
    pendingMs = Math.max(pendingMs, timeMs);
    return this;
  }

  StateLog put(long cell) {
    if (pending.remaining() < Long.BYTES) {
      pending = little(Arrays.copyOf(pending.array(), 2 * pending.capacity()), pending.position());
    }
    pending.putLong(cell);
    return this;
  }

  /** Appends the events since the last call. */
  void flush() {
    int length = pending.position();
    if (length == 0) {
      return;
    }
    boolean joins = tail.length > 0 && tail.length + length <= CHUNK_BYTES;
    newest += joins ? 0 : 1;
    int from = joins ? tail.length : 0;
    tail = joins ? Arrays.copyOf(tail, from + length) : new byte[length];
    System.arraycopy(pending.array(), 0, tail, from, length);
    newestMs.merge(newest, pendingMs, Math::max);
    writes.put(key(newest), tail);
    pending.clear();
    pendingMs = Long.MIN_VALUE;
  }

  /** Drops chunks whose events all lie at or before the floor; the newest one stays. */
  void expire(long floorMs) {
    Iterator<Map.Entry<Integer, Long>> chunks = newestMs.entrySet().iterator();
    while (chunks.hasNext()) {
      Map.Entry<Integer, Long> chunk = chunks.next();
      if (chunk.getValue() <= floorMs && chunk.getKey() != newest) {
        writes.put(key(chunk.getKey()), null);
        chunks.remove();
      }
    }
  }

  /** The numbers of the entries {@code name/number}, ascending. */
  static int[] numbers(String name, Collection<String> keys) {
    String prefix = name + "/";
    return keys.stream()
        .filter(key -> key.startsWith(prefix))
        .mapToInt(key -> Integer.parseInt(key.substring(prefix.length())))
        .sorted()
        .toArray();
  }

  private static ByteBuffer little(byte[] bytes, int position) {
    return RowBlocks.in(bytes).position(position);
  }

  private String key(int chunk) {
    return name + "/" + chunk;
  }
}
