package millrace.flink;

import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;

/** Sends each record to its topic, so that one transaction covers all topics of a job. */
public class OutRecordSchema implements KafkaRecordSerializationSchema<OutRecord> {
  private static final long serialVersionUID = 1L;

  private final String[] topics;

  public OutRecordSchema(String[] topics) {
    this.topics = topics.clone();
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      OutRecord record, KafkaSinkContext context, Long timestamp) {
    return new ProducerRecord<>(topics[record.topic], record.key, record.value);
  }
}
