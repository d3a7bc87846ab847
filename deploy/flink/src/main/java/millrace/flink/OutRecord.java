package millrace.flink;

/** A record for one of the sink's topics, by the topic's place in the sink's list. */
public class OutRecord {
  public int topic;
  public byte[] key;
  public byte[] value;

  /** For Flink's POJO serializer. */
  public OutRecord() {}

  OutRecord(int topic, byte[] key, byte[] value) {
    this.topic = topic;
    this.key = key;
    this.value = value;
  }
}
