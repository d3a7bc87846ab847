package millrace.flink;

/** A Kafka record on its way to the archive: its stage, place, time and bytes. */
public class ArchiveRecord {
  public String stage;
  public int partition;
  public long offset;
  public long timestamp;
  public byte[] key;
  public byte[] value;

  /** For Flink's POJO serializer. */
  public ArchiveRecord() {}

  ArchiveRecord(
      String stage, int partition, long offset, long timestamp, byte[] key, byte[] value) {
    this.stage = stage;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
  }
}
