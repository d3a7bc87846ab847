package millrace.flink;

import java.io.Serializable;

/**
 * What a use case says about its labels, and how the join of them goes.
 *
 * @param useCase name of the use case, of the metrics
 * @param silence what no label means, of the metrics
 * @param byWatermark whether records and labels wait by the watermark
 * @param horizonMs how long they wait
 * @param firstHolds whether the first label of a record holds, and not the last
 * @param width cells of the row of a change
 * @param patience how many events streams may be apart, see {@link SlowestStream}
 */
public record LabelJoinSettings(
    String useCase,
    String silence,
    boolean byWatermark,
    long horizonMs,
    boolean firstHolds,
    int width,
    long patience)
    implements Serializable {}
