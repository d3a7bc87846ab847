package millrace.flink;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * The clock of the slowest stream that was heard of late: the Java half of
 * udfs.features.slowest. Streams have clocks, the newest time that came by them. Nothing has a
 * clock in the first span of {@code patience} events; after that a stream counts that was heard in
 * this span or in the one before.
 */
final class SlowestStream {
  /** Before every time. */
  static final long NO_CLOCK = -(1L << 62);

  private static final int STREAM_LONGS = 3;

  private final long patience;
  private final Map<Long, Heard> streams = new HashMap<>();
  private long events;
  private long lastStream;
  private Heard last;

  SlowestStream(long patience, byte[] stored) {
    this.patience = patience;
    if (stored != null) {
      ByteBuffer in = ByteBuffer.wrap(stored);
      events = in.getLong();
      while (in.hasRemaining()) {
        long stream = in.getLong();
        streams.put(stream, new Heard(in.getLong(), in.getLong()));
      }
    }
  }

  /** Takes note of an event of a block; {@link #end} ends the block. */
  void hear(long stream, long timeMs) {
    if (last == null || stream != lastStream) {
      lastStream = stream;
      last = streams.computeIfAbsent(stream, absent -> new Heard(timeMs, 0));
    }
    last.clockMs = Math.max(last.clockMs, timeMs);
    last.inBlock = true;
  }

  /** Ends a block of so many events, and returns what is to be stored. */
  byte[] end(int count) {
    events += count;
    ByteBuffer out = ByteBuffer.allocate(Long.BYTES * (1 + STREAM_LONGS * streams.size()));
    out.putLong(events);
    long span = span();
    streams.forEach(
        (stream, heard) -> {
          heard.span = heard.inBlock ? span : heard.span;
          heard.inBlock = false;
          out.putLong(stream).putLong(heard.clockMs).putLong(heard.span);
        });
    return out.array();
  }

  long clockMs() {
    long span = span();
    if (span < 1) {
      return NO_CLOCK;
    }
    return streams.values().stream()
        .filter(heard -> heard.span >= span - 1)
        .mapToLong(heard -> heard.clockMs)
        .min()
        .orElse(NO_CLOCK);
  }

  private long span() {
    // A block belongs to the span that its last event lies in.
    return Math.max(events - 1, 0) / patience;
  }

  private static final class Heard {
    long clockMs;
    long span;
    boolean inBlock;

    Heard(long clockMs, long span) {
      this.clockMs = clockMs;
      this.span = span;
    }
  }
}
