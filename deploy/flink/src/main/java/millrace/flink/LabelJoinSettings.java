package millrace.flink;

import java.io.Serializable;
import java.util.Map;

/** What a use case says about its labels, and how the join of them goes. */
final class LabelJoinSettings implements Serializable {
  private static final long serialVersionUID = 1L;

  final String useCase;
  final String silence;
  final boolean byWatermark;
  private final long horizonMs;
  private final boolean firstHolds;
  private final int width;
  private final long patience;

  LabelJoinSettings(
      String useCase,
      String silence,
      boolean byWatermark,
      long horizonMs,
      boolean firstHolds,
      int width,
      long patience) {
    this.useCase = useCase;
    this.silence = silence;
    this.byWatermark = byWatermark;
    this.horizonMs = horizonMs;
    this.firstHolds = firstHolds;
    this.width = width;
    this.patience = patience;
  }

  LabelJoin start(Map<String, byte[]> entries) {
    return new LabelJoin(horizonMs, firstHolds, width, patience, entries);
  }
}
