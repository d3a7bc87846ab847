package millrace.flink;

import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;

/**
 * When blocks leave that are not full: a time after their first record, and later while the
 * receiver of their shard is busy.
 *
 * <p>A block that would only wait in the network is better off growing: what a receiver pays for a
 * block hardly depends on its size. So low rates cost no more blocks than the receiver can take,
 * and nobody has to tune the linger to the load. After ten times the linger a block leaves anyway.
 */
final class Linger {
  private static final int TRIES_A_LINGER = 4;
  private static final int MOST_TRIES = 9 * TRIES_A_LINGER;

  private final ProcessingTimeService clock;
  private final long lingerMs;
  private final Backlog backlog;
  private final int shards;
  private final IntPredicate filled;
  private final IntConsumer emit;
  private boolean pending;
  private int tries;

  /** Asks which shards' blocks are {@code filled}, and calls {@code emit} for those that leave. */
  Linger(
      ProcessingTimeService clock,
      long lingerMs,
      Backlog backlog,
      int shards,
      IntPredicate filled,
      IntConsumer emit) {
    this.clock = clock;
    this.lingerMs = lingerMs;
    this.backlog = backlog;
    this.shards = shards;
    this.filled = filled;
    this.emit = emit;
  }

  /** There is a record in a block; called often. */
  void begin() {
    if (!pending) {
      pending = true;
      tries = 0;
      after(lingerMs);
    }
  }

  /** Emits every block that holds anything. */
  void emitAll() {
    emit(false);
  }

  private void after(long ms) {
    clock.registerTimer(clock.getCurrentProcessingTime() + ms, time -> over());
  }

  private void over() {
    pending = emit(tries++ < MOST_TRIES);
    if (pending) {
      after(Math.max(1, lingerMs / TRIES_A_LINGER));
    }
  }

  /** Emits blocks, those of busy receivers only when they are not to wait; tells if any waits. */
  private boolean emit(boolean busyOnesWait) {
    boolean waiting = false;
    for (int shard = 0; shard < shards; shard++) {
      if (filled.test(shard)) {
        if (busyOnesWait && backlog.busy(shard)) {
          waiting = true;
        } else {
          emit.accept(shard);
        }
      }
    }
    return waiting;
  }
}
