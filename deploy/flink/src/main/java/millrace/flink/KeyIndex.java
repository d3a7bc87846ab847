package millrace.flink;

import java.util.Arrays;

/**
 * Places of numbers in the order in which they were added; the last one counts where a number is
 * added again. A hash table with open addressing, 16 to 24 bytes a number.
 */
final class KeyIndex {
  static final int NOWHERE = -1;

  private static final int FIRST_BITS = 11;
  // 2^64 over the golden ratio: neighbouring numbers fall far apart (Knuth, vol. 3, 6.4).
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private final Longs keys = new Longs();
  private int[] table;
  private int shift;

  KeyIndex() {
    empty(FIRST_BITS);
  }

  int size() {
    return keys.size();
  }

  long key(int place) {
    return keys.get(place);
  }

  /** The last place of a number, or NOWHERE. */
  int find(long key) {
    return table[slot(key)];
  }

  /** Gives a number the next place, and returns it. */
  int add(long key) {
    int place = size();
    if (2 * (place + 1) > table.length) {
      rebuild(Long.SIZE - shift + 1);
    }
    table[slot(key)] = place;
    keys.add(key);
    return place;
  }

  /** Forgets all places but these, given in ascending order, which become 0, 1 and so on. */
  void keep(int[] places) {
    for (int i = 0; i < places.length; i++) {
      keys.set(i, keys.get(places[i]));
    }
    keys.truncate(places.length);
    rebuild(Math.max(FIRST_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(2 * size())));
  }

  private void rebuild(int bits) {
    empty(bits);
    for (int place = 0; place < size(); place++) {
      table[slot(keys.get(place))] = place;
    }
  }

  private void empty(int bits) {
    shift = Long.SIZE - bits;
    table = new int[1 << bits];
    Arrays.fill(table, NOWHERE);
  }

  /** Where the table has a number, or has room for it. */
  private int slot(long key) {
    int slot = (int) (key * SPREAD >>> shift);
    while (table[slot] != NOWHERE && keys.get(table[slot]) != key) {
      slot = slot + 1 & table.length - 1;
    }
    return slot;
  }
}
