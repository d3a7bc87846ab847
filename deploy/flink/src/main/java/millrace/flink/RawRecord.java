package millrace.flink;

/** A Kafka record as it came: where from, when, and its bytes. Null stands for Kafka's null. */
public class RawRecord {
  public int partition;
  public long offset;
  public long timestamp;
  public byte[] key;
  public byte[] value;

  /** For Flink's POJO serializer. */
  public RawRecord() {}

  RawRecord(int partition, long offset, long timestamp, byte[] key, byte[] value) {
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
  }
}
