package millrace.flink;

import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaSinkBuilder;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;

/** The JVM half of the block form, called from the Python jobs. */
public final class Blocks {
  /** Version of the block layouts, the same as in udfs.functions.blocks. */
  public static final int VERSION = 2;

  /** Type of packed blocks: the shard key, then the block. */
  private static final TypeInformation<Row> BLOCK_TYPE =
      new RowTypeInfo(
          new TypeInformation<?>[] {
            Types.INT, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO
          },
          new String[] {"shard", "block"});

  private Blocks() {}

  /**
   * Raw records of a topic. {@code start} is earliest, latest or committed (the group's offsets,
   * else the earliest); {@code bounded} ends at the offsets that are the latest at the start.
   */
  public static SingleOutputStreamOperator<RawRecord> read(
      StreamExecutionEnvironment env,
      String name,
      String topic,
      String groupId,
      String start,
      boolean bounded,
      Map<String, String> properties) {
    KafkaSourceBuilder<RawRecord> builder =
        KafkaSource.<RawRecord>builder()
            .setTopics(topic)
            .setGroupId(groupId)
            .setStartingOffsets(startingOffsets(start))
            .setDeserializer(new RawRecordSchema())
            .setProperties(asProperties(properties));
    if (bounded) {
      builder.setBounded(OffsetsInitializer.latest());
    }
    return env.fromSource(builder.build(), WatermarkStrategy.noWatermarks(), name).uid(name);
  }

  /** Blocks of records: Row(shard key, block). */
  public static SingleOutputStreamOperator<Row> pack(
      DataStream<RawRecord> records,
      String name,
      int shards,
      int maxParallelism,
      int blockRecords,
      int blockBytes,
      long lingerMs) {
    PackOperatorFactory factory =
        new PackOperatorFactory(
            ShardKeys.of(shards, maxParallelism), blockRecords, blockBytes, lingerMs);
    return records.transform(name, BLOCK_TYPE, factory).uid(name).name(name);
  }

  /** Records of answer blocks, for {@link #write}. */
  public static SingleOutputStreamOperator<OutRecord> unpack(
      DataStream<byte[]> answers, String name, String[] topics) {
    return answers
        .flatMap(new UnpackFunction(topics))
        .returns(OutRecord.class)
        .uid(name)
        .name(name);
  }

  /** Writes records to their topics, all of a subtask in one transaction a checkpoint. */
  public static DataStreamSink<OutRecord> write(
      DataStream<OutRecord> records,
      String name,
      String[] topics,
      boolean exactlyOnce,
      String transactionalIdPrefix,
      Map<String, String> properties) {
    KafkaSinkBuilder<OutRecord> builder =
        KafkaSink.<OutRecord>builder()
            .setRecordSerializer(new OutRecordSchema(topics))
            .setKafkaProducerConfig(asProperties(properties))
            .setDeliveryGuarantee(
                exactlyOnce ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
            .setTransactionalIdPrefix(transactionalIdPrefix);
    builder.setBootstrapServers(properties.get("bootstrap.servers"));
    return records.sinkTo(builder.build()).uid(name).name(name);
  }

  @SuppressWarnings("deprecation") // the connector offers no other type for the reset strategy
  private static OffsetsInitializer startingOffsets(String start) {
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

  private static Properties asProperties(Map<String, String> map) {
    Properties properties = new Properties();
    properties.putAll(map);
    return properties;
  }
}
