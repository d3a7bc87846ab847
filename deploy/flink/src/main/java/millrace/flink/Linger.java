package millrace.flink;

import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;

/** Calls back once a time after it was asked to, however often it is asked meanwhile. */
final class Linger {
  private final ProcessingTimeService clock;
  private final long lingerMs;
  private final Runnable over;
  private boolean pending;

  Linger(ProcessingTimeService clock, long lingerMs, Runnable over) {
    this.clock = clock;
    this.lingerMs = lingerMs;
    this.over = over;
  }

  void begin() {
    if (!pending) {
      pending = true;
      clock.registerTimer(
          clock.getCurrentProcessingTime() + lingerMs,
          time -> {
            pending = false;
            over.run();
          });
    }
  }
}
