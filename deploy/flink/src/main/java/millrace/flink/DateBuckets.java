package millrace.flink;

import java.time.LocalDate;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.functions.sink.filesystem.BucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.SimpleVersionedStringSerializer;

/** The folder of a record: its stage, then the date of its Kafka timestamp in UTC. */
public class DateBuckets implements BucketAssigner<ArchiveRecord, String> {
  private static final long serialVersionUID = 1L;
  private static final long DAY_MS = 24L * 3600 * 1000;
  // Python's calendar: raw records may carry any timestamp.
  private static final long FIRST_DAY = LocalDate.of(1, 1, 1).toEpochDay();
  private static final long LAST_DAY = LocalDate.of(9999, 12, 31).toEpochDay();

  @Override
  public String getBucketId(ArchiveRecord record, Context context) {
    return bucket(record.stage, record.timestamp);
  }

  static String bucket(String stage, long timestampMs) {
    long day = Math.min(Math.max(Math.floorDiv(timestampMs, DAY_MS), FIRST_DAY), LAST_DAY);
    return stage + "/date=" + LocalDate.ofEpochDay(day);
  }

  @Override
  public SimpleVersionedSerializer<String> getSerializer() {
    return SimpleVersionedStringSerializer.INSTANCE;
  }
}
