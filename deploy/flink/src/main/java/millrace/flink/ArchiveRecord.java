package millrace.flink;

/** A Kafka record on its way to the archive: its stage, place, time, bytes and headers. */
public class ArchiveRecord {
  public String stage;
  public int partition;
  public long offset;
  public long timestamp;
  public byte[] key;
  public byte[] value;

  /** Names of the headers in their order; null without headers. */
  public String[] headerKeys;

  /** Their values, of which each may be null; null without headers. */
  public byte[][] headerValues;

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
