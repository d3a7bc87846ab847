package millrace.flink;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Joins late labels with their records by business id, so that they can go to the second key: the
 * join of one shard of business ids.
 *
 * <p>A record waits for labels, and a label for its record, until the clock is a horizon past its
 * event time. The clock is that of the slowest stream ({@link SlowestStream}) before the block: of
 * records their newest event time, of labels the newest time at which one became known. So while a
 * job catches up, neither records of one stream nor labels that lag behind the records find that
 * what they are for has expired; and a topic of labels that falls silent holds no state. Where
 * there is a watermark it is the clock.
 *
 * <p>It knows nothing of Flink: a caller gives the shard's state once, and takes what each call
 * led to, {@link #changes} to {@link #writes}, before the next one.
 */
public final class LabelJoin {
  private static final String CLOCKS = "clocks";
  private static final int EXPIRY_STEPS = 64;

  // Cells of a record on its way here: udfs.functions.record_rows, cells_for_labels.
  private static final int ID = 0;
  private static final int SECOND = 1;
  private static final int TIME = 2;
  private static final int SOURCE = 3;
  private static final int RECORD_CELLS = 4;

  private final long horizonMs;
  private final boolean firstHolds;
  private final Map<String, byte[]> writes = new LinkedHashMap<>();
  private final KnownRecords records;
  private final EarlyLabels early;
  private final SlowestStream slowest;
  private final List<Unmatched> unmatched = new ArrayList<>();
  private final RowBlocks.Builder changes = new RowBlocks.Builder();
  private final long[] change;
  private boolean hasWatermark;
  private long watermarkMs;
  private long expiredMs;
  private long again;
  private long knownAgain;
  private long silent;

  /** A join that goes on from the entries of its state. */
  public LabelJoin(LabelJoinSettings settings, Map<String, byte[]> entries) {
    horizonMs = settings.horizonMs();
    firstHolds = settings.firstHolds();
    change = new long[settings.width()];
    records = new KnownRecords(entries, writes);
    early = new EarlyLabels(entries, writes);
    slowest = new SlowestStream(settings.patience(), entries.get(CLOCKS));
    expiredMs = floorMs();
  }

  /** How many labels wait for their records. */
  public int waiting() {
    return early.size();
  }

  /** When the first waiting label will be given up; only where one waits. */
  public long giveUpMs() {
    long oldestMs = early.oldestMs();
    return oldestMs > Long.MAX_VALUE - horizonMs ? Long.MAX_VALUE : oldestMs + horizonMs;
  }

  /** Goes by the watermark from now on, for a stream that is in order or at its end. */
  public void advance(long watermark) {
    hasWatermark = true;
    watermarkMs = Math.max(watermark, SlowestStream.NO_CLOCK);
  }

  /** Takes a block of rows of records: id, second key, event time, source. */
  public void records(byte[] block) {
    ByteBuffer in = RowBlocks.in(block);
    int count = RowBlocks.count(block);
    long floorMs = floorMs();
    boolean labelsWait = early.size() > 0;
    int row = RowBlocks.HEADER_BYTES;
    for (int i = 0; i < count; i++, row += RowBlocks.CELL_BYTES * RECORD_CELLS) {
      long id = cell(in, row, ID);
      long timeMs = cell(in, row, TIME);
      long stream = RowBlocks.streamOf(cell(in, row, SOURCE));
      slowest.hear(stream, timeMs);
      if (timeMs <= floorMs) {
        knownAgain++;
        continue;
      }
      if (records.find(id, floorMs) == KeyIndex.NOWHERE) {
        records.add(id, cell(in, row, SECOND), timeMs, stream);
      } else {
        knownAgain++;
      }
      // Also for one that was known: a clock that goes back brings records back.
      if (labelsWait) {
        early.choose(id);
      }
    }
    early.take((told, at) -> apply(told, at, records.find(told.id(at), floorMs)));
    records.flush();
    writes.put(CLOCKS, slowest.end(count));
    expire(false);
  }

  /** Takes a block of labels in order of arrival. */
  public void labels(byte[] block) {
    ToldLabels told = new ToldLabels(block);
    long floorMs = floorMs();
    int[] unknown = new int[told.count()];
    int count = 0;
    for (int row = 0; row < told.count(); row++) {
      // Streams of labels lie apart from those of records, which are not negative.
      slowest.hear(-1L - told.partition(row), told.knownMs(row));
      int at = records.find(told.id(row), floorMs);
      if (at == KeyIndex.NOWHERE) {
        unknown[count++] = row;
      } else {
        apply(told, row, at);
      }
    }
    early.add(told, Arrays.copyOf(unknown, count));
    records.flush();
    writes.put(CLOCKS, slowest.end(told.count()));
  }

  /** Gives up what the clock has passed, also where no record comes any more. */
  public void expire() {
    expire(true);
  }

  /** Rows of the labels that change what was known of a record, or null. */
  public byte[] changes() {
    return changes.count() > 0 ? changes.build() : null;
  }

  /** Labels that cannot be used. */
  public List<Unmatched> unmatched() {
    List<Unmatched> found = new ArrayList<>(unmatched);
    unmatched.clear();
    return found;
  }

  /** Labels of records that had one already. */
  public long again() {
    long found = again;
    again = 0;
    return found;
  }

  /** Records whose business id was known already, or that came a horizon late. */
  public long knownAgain() {
    long found = knownAgain;
    knownAgain = 0;
    return found;
  }

  /** Records that passed the horizon without a label. */
  public long silent() {
    long found = silent;
    silent = 0;
    return found;
  }

  /** What becomes of the state: entries, null where one is dropped. */
  public Map<String, byte[]> writes() {
    Map<String, byte[]> found = new LinkedHashMap<>(writes);
    writes.clear();
    return found;
  }

  private long floorMs() {
    if (hasWatermark && watermarkMs == Long.MAX_VALUE) {
      return Long.MAX_VALUE;
    }
    return (hasWatermark ? watermarkMs : slowest.clockMs()) - horizonMs;
  }

  /** Applies a label to its record. */
  private void apply(ToldLabels told, int row, int at) {
    long behindMs = told.knownMs(row) - records.timeMs(at);
    if (behindMs > horizonMs) {
      String text =
          "it came " + behindMs + " ms after its record, the horizon is " + horizonMs + " ms";
      unmatched.add(new Unmatched(told.raw(row), text));
      return;
    }
    boolean before = records.labelled(at);
    long was = records.label(at);
    long value = told.label(row);
    again += before ? 1 : 0;
    if (before && firstHolds) {
      return;
    }
    records.setLabel(at, value);
    if (value != was) {
      change(told, row, at, value - was);
    }
  }

  private void change(ToldLabels told, int row, int at, long by) {
    // As udfs.functions.rows, LabelChanges, has them.
    change[RowBlocks.TIME] = told.knownMs(row);
    change[RowBlocks.SOURCE] = RowBlocks.ofLabel(told.partition(row));
    change[RowBlocks.OFFSET] = told.offset(row);
    change[RowBlocks.KEY] = records.second(at);
    change[RowBlocks.KEY + 1] = records.stream(at);
    change[RowBlocks.KEY + 2] = records.timeMs(at);
    change[RowBlocks.KEY + 3] = by;
    change[RowBlocks.KEY + 4] = told.id(row);
    changes.add(change);
  }

  private void expire(boolean atOnce) {
    long floorMs = floorMs();
    if (!atOnce && floorMs - horizonMs / EXPIRY_STEPS < expiredMs) {
      return;
    }
    expiredMs = floorMs;
    silent += records.expire(floorMs, atOnce);
    String text = "no record of this id came within the horizon of " + horizonMs + " ms";
    early.expire(
        floorMs, (told, row) -> unmatched.add(new Unmatched(told.raw(row), text)));
  }

  private static long cell(ByteBuffer in, int row, int cell) {
    return in.getLong(row + RowBlocks.CELL_BYTES * cell);
  }

  /** A label that cannot be used, and why in words. */
  public record Unmatched(RawRecord raw, String text) {}
}
