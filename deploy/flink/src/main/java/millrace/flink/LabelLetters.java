package millrace.flink;

import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Dead letters of labels without a record, as udfs.records.DeadLetter has them. */
public final class LabelLetters implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int LINES = 0;

  private final String topic;
  private final int place;
  private final HashMap<Integer, Long> quiet;

  /**
   * Letters of a topic of labels.
   *
   * @param topic of the labels
   * @param place of the dead letters' topic in the sink's list
   * @param quiet by partition, the first offset whose letters are written; others: all are
   */
  public LabelLetters(String topic, int place, Map<String, String> quiet) {
    this.topic = topic;
    this.place = place;
    this.quiet = new HashMap<>();
    quiet.forEach((of, first) -> this.quiet.put(Integer.valueOf(of), Long.valueOf(first)));
  }

  /** The answer with those letters that are written, or null; see {@link UnpackFunction}. */
  public byte[] answer(List<LabelJoin.Unmatched> unmatched) {
    ByteArrayOutputStream keys = new ByteArrayOutputStream();
    ByteArrayOutputStream values = new ByteArrayOutputStream();
    ByteBuffer lengths =
        ByteBuffer.allocate(Integer.BYTES * unmatched.size()).order(ByteOrder.LITTLE_ENDIAN);
    for (LabelJoin.Unmatched one : unmatched) {
      RawRecord raw = one.raw();
      if (raw.offset >= quiet.getOrDefault(raw.partition, 0L)) {
        lengths.putInt(raw.key == null ? -1 : raw.key.length);
        keys.writeBytes(raw.key == null ? new byte[0] : raw.key);
        values.writeBytes(line(raw, one.text()).getBytes(StandardCharsets.UTF_8));
      }
    }
    int count = lengths.position() / Integer.BYTES;
    if (count == 0) {
      return null;
    }
    return ByteBuffer.allocate(
            5 * Integer.BYTES + lengths.position() + keys.size() + values.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(place)
        .putInt(LINES)
        .putInt(count)
        .putInt(keys.size())
        .putInt(values.size())
        .put(lengths.flip())
        .put(keys.toByteArray())
        .put(values.toByteArray())
        .array();
  }

  /** A letter in JSON; topic and text need no escapes. */
  private String line(RawRecord raw, String text) {
    return "{\"reason\":\"label_unmatched\",\"stage\":\"labels\",\"detail\":\""
        + text
        + "\",\"source_topic\":\""
        + topic
        + "\",\"source_partition\":"
        + raw.partition
        + ",\"source_offset\":"
        + raw.offset
        + ",\"kafka_timestamp_ms\":"
        + raw.timestamp
        + ",\"key\":"
        + base64(raw.key)
        + ",\"value\":"
        + base64(raw.value)
        + "}\n";
  }

  private static String base64(byte[] bytes) {
    return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
  }
}
