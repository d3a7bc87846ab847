package millrace.flink;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * The records of one shard whose labels may still come, by business id: 48 to 57 bytes of heap a
 * record, 32 in state and 24 more for a label. Those older than the floor go from memory when they
 * are about half of all, and from state when their whole chunk is.
 */
final class KnownRecords {
  /** A record in state: business id, second entity key, event time, stream. */
  private static final int RECORD_CELLS = 4;
  private static final int RECORD_TIME = 2;

  /** A label in state: business id, event time of the record, label. */
  private static final int LABEL_CELLS = 3;
  private static final int LABEL_TIME = 1;

  // Looking at all records costs as much as adding a few: it is done when an eighth has come.
  private static final int LOOKS = 8;

  private final StateLog recordLog;
  private final StateLog labelLog;
  private final KeyIndex index = new KeyIndex();
  private final Longs second = new Longs();
  private final Longs time = new Longs();
  private final Longs stream = new Longs();
  private final Longs label = new Longs();
  private final BitSet labelled = new BitSet();
  private final List<Longs> columns = List.of(second, time, stream, label);
  private int looked;
  private int silent;

  KnownRecords(Map<String, byte[]> entries, Map<String, byte[]> writes) {
    recordLog = new StateLog("records", writes);
    labelLog = new StateLog("labels", writes);
    for (ByteBuffer in : recordLog.load(entries, RECORD_CELLS, RECORD_TIME)) {
      while (in.hasRemaining()) {
        keep(in.getLong(), in.getLong(), in.getLong(), in.getLong());
      }
    }
    for (ByteBuffer in : labelLog.load(entries, LABEL_CELLS, LABEL_TIME)) {
      while (in.hasRemaining()) {
        restore(in.getLong(), in.getLong(), in.getLong());
      }
    }
  }

  int size() {
    return index.size();
  }

  /** The place of the record of an id that is younger than the floor, or NOWHERE. */
  int find(long id, long floorMs) {
    int at = index.find(id);
    return at != KeyIndex.NOWHERE && time.get(at) > floorMs ? at : KeyIndex.NOWHERE;
  }

  /** Takes a record; {@link #flush} makes it durable. */
  void add(long id, long secondKey, long timeMs, long fromStream) {
    keep(id, secondKey, timeMs, fromStream);
    recordLog.event(timeMs).put(id).put(secondKey).put(timeMs).put(fromStream);
  }

  /** Notes the label of the record at a place; {@link #flush} makes it durable. */
  void setLabel(int at, long value) {
    label.set(at, value);
    labelled.set(at);
    labelLog.event(time.get(at)).put(index.key(at)).put(time.get(at)).put(value);
  }

  void flush() {
    recordLog.flush();
    labelLog.flush();
  }

  long second(int at) {
    return second.get(at);
  }

  long timeMs(int at) {
    return time.get(at);
  }

  long stream(int at) {
    return stream.get(at);
  }

  long label(int at) {
    return label.get(at);
  }

  boolean labelled(int at) {
    return labelled.get(at);
  }

  /**
   * Drops records at or before the floor once they are many; how many more of them never had a
   * label. {@code atOnce} looks at the records even where few have come since the last time.
   */
  int expire(long floorMs, boolean atOnce) {
    recordLog.expire(floorMs);
    labelLog.expire(floorMs);
    int size = size();
    if (!atOnce && size - looked < size / LOOKS) {
      return 0;
    }
    looked = size;
    int alive = 0;
    int unlabelled = 0;
    for (int at = 0; at < size; at++) {
      if (time.get(at) > floorMs) {
        alive++;
      } else if (!labelled.get(at)) {
        unlabelled++;
      }
    }
    int told = silent;
    silent = Math.max(silent, unlabelled);
    int more = silent - told;
    if (2 * alive <= size) {
      keepAlive(floorMs, alive);
    }
    return more;
  }

  private void keepAlive(long floorMs, int alive) {
    int[] places = new int[alive];
    int to = 0;
    for (int at = 0; at < size(); at++) {
      if (time.get(at) > floorMs) {
        for (Longs column : columns) {
          column.set(to, column.get(at));
        }
        labelled.set(to, labelled.get(at));
        places[to++] = at;
      }
    }
    labelled.clear(alive, size());
    index.keep(places);
    for (Longs column : columns) {
      column.truncate(alive);
    }
    looked = alive;
    silent = 0;
  }

  private void keep(long id, long secondKey, long timeMs, long fromStream) {
    index.add(id);
    second.add(secondKey);
    time.add(timeMs);
    stream.add(fromStream);
    label.add(0);
  }

  private void restore(long id, long timeMs, long value) {
    int at = index.find(id);
    // A label outlives its record in state, and then is not that of a later one with its id.
    if (at != KeyIndex.NOWHERE && time.get(at) == timeMs) {
      label.set(at, value);
      labelled.set(at);
    }
  }
}
