package millrace.flink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.header.Header;
import org.apache.flink.util.Collector;

/** Takes records of several topics as they are; each topic is a stage. */
public class ArchiveRecordSchema implements KafkaRecordDeserializationSchema<ArchiveRecord> {
  private static final long serialVersionUID = 1L;

  private final HashMap<String, String> stages;

  public ArchiveRecordSchema(Map<String, String> stages) {
    this.stages = new HashMap<>(stages);
  }

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<ArchiveRecord> out) {
    ArchiveRecord archived =
        new ArchiveRecord(
            stages.get(record.topic()),
            record.partition(),
            record.offset(),
            record.timestamp(),
            record.key(),
            record.value());
    Header[] headers = record.headers().toArray();
    if (headers.length > 0) {
      archived.headerKeys = new String[headers.length];
      archived.headerValues = new byte[headers.length][];
      for (int i = 0; i < headers.length; i++) {
        archived.headerKeys[i] = headers[i].key();
        archived.headerValues[i] = headers[i].value();
      }
    }
    out.collect(archived);
  }

  @Override
  public TypeInformation<ArchiveRecord> getProducedType() {
    return TypeInformation.of(ArchiveRecord.class);
  }
}
