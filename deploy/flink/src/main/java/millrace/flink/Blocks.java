package millrace.flink;

import java.time.Duration;
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
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;

/** The JVM half of the block form, called from the Python jobs. */
public final class Blocks {
  /** Version of the block layouts, the same as in udfs.functions.blocks. */
  public static final int VERSION = 4;

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
   * else the earliest), and {@code starts}, if any, goes over it: {@code topic/partition} to
   * offset. {@code bounded} ends at the offsets that are the latest at the start.
   * With {@code outOfOrderMs} of 0 or more each partition has a watermark so far behind its newest
   * Kafka timestamp, and one that is silent for {@code idleMs} holds nobody back (0: it does).
   */
  public static SingleOutputStreamOperator<RawRecord> read(
      StreamExecutionEnvironment env,
      String name,
      String topic,
      String groupId,
      String start,
      Map<String, String> starts,
      boolean bounded,
      long outOfOrderMs,
      long idleMs,
      Map<String, String> properties) {
    KafkaSourceBuilder<RawRecord> builder =
        KafkaSource.<RawRecord>builder()
            .setTopics(topic)
            .setGroupId(groupId)
            .setStartingOffsets(starts.isEmpty() ? StartingOffsets.of(start) : StartingOffsets.of(starts))
            .setDeserializer(new RawRecordSchema())
            .setProperties(asProperties(properties));
    if (bounded) {
      builder.setBounded(OffsetsInitializer.latest());
    }
    return env.fromSource(builder.build(), watermarks(outOfOrderMs, idleMs), name).uid(name);
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

  /**
   * Rows of blocks, packed anew by the shard of the entity key in {@code keyCell}: Row(shard key,
   * block). Of each row the given cells go on, all when none are given.
   */
  public static SingleOutputStreamOperator<Row> repack(
      DataStream<byte[]> blocks,
      String name,
      int shards,
      int maxParallelism,
      int keyCell,
      int[] cells,
      int blockRecords,
      int blockBytes,
      long lingerMs) {
    RepackSettings settings =
        new RepackSettings(
            ShardKeys.of(shards, maxParallelism),
            keyCell,
            cells,
            blockRecords,
            blockBytes,
            lingerMs);
    return blocks
        .transform(name, BLOCK_TYPE, new RepackOperatorFactory(settings))
        .uid(name)
        .name(name);
  }

  /** Blocks of each shard whose records are in the order of event time, by watermark. */
  public static SingleOutputStreamOperator<Row> order(
      KeyedStream<Row, Row> blocks, String name, int blockRecords) {
    return blocks
        .transform(name, BLOCK_TYPE, new OrderOperatorFactory(blockRecords))
        .uid(name)
        .name(name);
  }

  /** Blocks of labels by the shard of the business id, as they came: Row(shard key, block). */
  public static SingleOutputStreamOperator<Row> toldByShard(
      DataStream<byte[]> mixed, String name, int shards, int maxParallelism) {
    int[] shardKeys = ShardKeys.of(shards, maxParallelism);
    return mixed
        .flatMap(
            (byte[] block, Collector<Row> out) -> {
              if (ToldLabels.holdsLabels(block)) {
                long first = new ToldLabels(block).id(0);
                out.collect(
                    Row.of(shardKeys[Shards.of(first, shards, Shards.scratch())], block));
              }
            })
        .returns(BLOCK_TYPE)
        .uid(name)
        .name(name);
  }

  /**
   * Rows of changes of labels, and answers with dead letters: {@link LabelJoinFunction}. The blocks
   * are of labels, and of rows of records, by the shard of the business id.
   */
  public static SingleOutputStreamOperator<byte[]> joinLabels(
      KeyedStream<Row, Row> blocks,
      String name,
      LabelJoinSettings settings,
      LabelLetters letters) {
    return blocks
        .process(new LabelJoinFunction(settings, letters))
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .uid(name)
        .name(name);
  }

  /** Only the answers of a stream that also has blocks of rows or of labels. */
  public static DataStream<byte[]> answers(DataStream<byte[]> mixed, String name) {
    return mixed.filter(RowBlocks::isAnswer).uid(name).name(name);
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

  private static WatermarkStrategy<RawRecord> watermarks(long outOfOrderMs, long idleMs) {
    if (outOfOrderMs < 0) {
      return WatermarkStrategy.noWatermarks();
    }
    WatermarkStrategy<RawRecord> strategy =
        WatermarkStrategy.forBoundedOutOfOrderness(Duration.ofMillis(outOfOrderMs));
    return idleMs > 0 ? strategy.withIdleness(Duration.ofMillis(idleMs)) : strategy;
  }

  private static Properties asProperties(Map<String, String> map) {
    Properties properties = new Properties();
    properties.putAll(map);
    return properties;
  }
}
