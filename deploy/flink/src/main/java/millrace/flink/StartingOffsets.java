package millrace.flink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;

/** Where a source without state begins. */
@SuppressWarnings("deprecation") // the connector offers no other type for the reset strategy
final class StartingOffsets {
  private StartingOffsets() {}

  /** At the earliest or latest records, or where the group committed, else the earliest. */
  static OffsetsInitializer of(String start) {
    switch (start) {
      case "earliest":
        return OffsetsInitializer.earliest();
      case "latest":
        return OffsetsInitializer.latest();
      case "committed":
        return OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST);
      default:
        throw new IllegalArgumentException("start is earliest, latest or committed: " + start);
    }
  }

  /**
   * At these offsets of {@code topic/partition} (text, since Python's bridge has no long);
   * partitions that are not named begin with their first.
   */
  static OffsetsInitializer of(Map<String, String> starts) {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    starts.forEach(
        (place, offset) -> {
          int slash = place.lastIndexOf('/');
          int partition = Integer.parseInt(place.substring(slash + 1));
          offsets.put(
              new TopicPartition(place.substring(0, slash), partition), Long.valueOf(offset));
        });
    return OffsetsInitializer.offsets(offsets, OffsetResetStrategy.EARLIEST);
  }
}
