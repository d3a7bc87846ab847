package millrace.flink;

import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Labels of one shard that came before their records, by business id; durable in chunks, entries
 * {@code early/number}. A chunk is the labels of one block and written once. What was taken of it
 * is a bit a label beside it, {@code taken/number}, until so little is left that the rest is
 * written anew.
 */
final class EarlyLabels {
  private static final String EARLY = "early";
  private static final String TAKEN = "taken";
  private static final int WORTH_IT = 8;
  private static final int FIRST_CAPACITY = 1024;

  private final Map<String, byte[]> writes;
  // By number: labels of a lower one came before those of a higher one.
  private final TreeMap<Integer, Chunk> chunks = new TreeMap<>();
  private KeyIndex index;
  // By place in the index: the place of the label of the same id before it, and where it stands.
  private int[] before;
  private Chunk[] chunkOf;
  private int[] rowOf;
  private final Set<Chunk> touched = new LinkedHashSet<>();
  private int[] chosen = new int[FIRST_CAPACITY];
  private int chosenCount;
  private int waiting;
  private int next;

  EarlyLabels(Map<String, byte[]> entries, Map<String, byte[]> writes) {
    this.writes = writes;
    for (int number : StateLog.numbers(EARLY, entries.keySet())) {
      byte[] taken = entries.get(TAKEN + "/" + number);
      Chunk chunk = new Chunk(number, new ToldLabels(entries.get(EARLY + "/" + number)));
      if (taken != null) {
        chunk.taken.or(BitSet.valueOf(taken));
        chunk.noted = true;
      }
      chunks.put(number, chunk);
      waiting += chunk.left();
      next = number + 1;
    }
    reindex();
  }

  /** How many labels wait. */
  int size() {
    return waiting;
  }

  /** When the oldest label that waits became known; only where one does. */
  long oldestMs() {
    long oldestMs = Long.MAX_VALUE;
    for (Chunk chunk : chunks.values()) {
      for (int row : chunk.waitingRows()) {
        oldestMs = Math.min(oldestMs, chunk.told.knownMs(row));
      }
    }
    return oldestMs;
  }

  /** Keeps the labels of a block that stand in these rows. */
  void add(ToldLabels block, int[] rows) {
    if (rows.length == 0) {
      return;
    }
    if (index.size() > 2 * waiting + FIRST_CAPACITY) {
      reindex();
    }
    Chunk chunk = new Chunk(next++, rows.length == block.count() ? block : block.at(rows));
    chunks.put(chunk.number, chunk);
    writes.put(EARLY + "/" + chunk.number, chunk.told.block());
    waiting += rows.length;
    enter(chunk);
  }

  /** Chooses the labels of an id for {@link #take}. */
  void choose(long id) {
    for (int at = index.find(id); at != KeyIndex.NOWHERE; at = before[at]) {
      if (chunkOf[at] != null && !chunkOf[at].taken.get(rowOf[at])) {
        if (chosenCount == chosen.length) {
          chosen = Arrays.copyOf(chosen, 2 * chosenCount);
        }
        chosen[chosenCount++] = at;
      }
    }
  }

  /** Gives the labels that were chosen in order of arrival, and forgets them. */
  void take(Each each) {
    if (chosenCount == 0) {
      return;
    }
    Arrays.sort(chosen, 0, chosenCount);
    for (int i = 0; i < chosenCount; i++) {
      // An id that came twice in a block chose its labels twice.
      if (i == 0 || chosen[i] != chosen[i - 1]) {
        give(chunkOf[chosen[i]], rowOf[chosen[i]], each);
      }
    }
    chosenCount = 0;
    settle();
  }

  /** Gives the labels that became known at or before the floor, and forgets them. */
  void expire(long floorMs, Each each) {
    for (Chunk chunk : chunks.values()) {
      for (int row : chunk.waitingRows()) {
        if (chunk.told.knownMs(row) <= floorMs) {
          give(chunk, row, each);
        }
      }
    }
    settle();
  }

  private void give(Chunk chunk, int row, Each each) {
    each.label(chunk.told, row);
    chunk.taken.set(row);
    touched.add(chunk);
    waiting--;
  }

  /** Makes durable what was taken. */
  private void settle() {
    for (Chunk chunk : touched) {
      String taken = TAKEN + "/" + chunk.number;
      if (chunk.left() * WORTH_IT > chunk.told.count()) {
        writes.put(taken, chunk.taken.toByteArray());
        chunk.noted = true;
        continue;
      }
      if (chunk.noted) {
        writes.put(taken, null);
        chunk.noted = false;
      }
      if (chunk.left() > 0) {
        shrink(chunk);
        writes.put(EARLY + "/" + chunk.number, chunk.told.block());
      } else {
        writes.put(EARLY + "/" + chunk.number, null);
        // The index knows the chunk until it is made anew.
        chunk.told = null;
        chunks.remove(chunk.number);
      }
    }
    touched.clear();
  }

  /** Leaves only those labels of a chunk that wait. */
  private void shrink(Chunk chunk) {
    int[] rows = chunk.waitingRows();
    int[] places = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      places[i] = chunk.places[rows[i]];
      chunk.places[rows[i]] = KeyIndex.NOWHERE;
      rowOf[places[i]] = i;
    }
    for (int taken : chunk.places) {
      if (taken != KeyIndex.NOWHERE) {
        chunkOf[taken] = null;
      }
    }
    chunk.told = chunk.told.at(rows);
    chunk.taken.clear();
    chunk.places = places;
  }

  private void reindex() {
    index = new KeyIndex();
    before = new int[FIRST_CAPACITY];
    chunkOf = new Chunk[FIRST_CAPACITY];
    rowOf = new int[FIRST_CAPACITY];
    chunks.values().forEach(this::enter);
  }

  /** Makes the labels of a chunk that wait known to the index. */
  private void enter(Chunk chunk) {
    chunk.places = new int[chunk.told.count()];
    Arrays.fill(chunk.places, KeyIndex.NOWHERE);
    for (int row : chunk.waitingRows()) {
      long id = chunk.told.id(row);
      int older = index.find(id);
      int place = index.add(id);
      if (place == before.length) {
        int capacity = place + (place >> 1);
        before = Arrays.copyOf(before, capacity);
        chunkOf = Arrays.copyOf(chunkOf, capacity);
        rowOf = Arrays.copyOf(rowOf, capacity);
      }
      before[place] = older;
      chunkOf[place] = chunk;
      rowOf[place] = row;
      chunk.places[row] = place;
    }
  }

  /** Takes a label that waits no more. */
  interface Each {
    void label(ToldLabels told, int row);
  }

  /** Labels of one block in order of arrival. */
  private static final class Chunk {
    final int number;
    final BitSet taken = new BitSet();
    ToldLabels told;
    int[] places;
    boolean noted;

    Chunk(int number, ToldLabels told) {
      this.number = number;
      this.told = told;
    }

    int left() {
      return told.count() - taken.cardinality();
    }

    int[] waitingRows() {
      int[] rows = new int[left()];
      int at = 0;
      for (int row = taken.nextClearBit(0); row < told.count(); row = taken.nextClearBit(row + 1)) {
        rows[at++] = row;
      }
      return rows;
    }
  }
}
