package millrace.flink;

import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;

/** The job archive, which is all JVM: topics to Parquet files, called from Python. */
public final class ArchiveFiles {
  private ArchiveFiles() {}

  /**
   * Records of several topics.
   *
   * @param stages the stage of each topic
   * @param starts where a job without state begins: {@code topic/partition} to offset, for all
   *     partitions that there are (Python's bridge has no long); later ones begin with their first
   */
  public static SingleOutputStreamOperator<ArchiveRecord> read(
      StreamExecutionEnvironment env,
      String name,
      Map<String, String> stages,
      String groupId,
      Map<String, String> starts,
      Map<String, String> properties) {
    Properties client = new Properties();
    client.putAll(properties);
    KafkaSource<ArchiveRecord> source =
        KafkaSource.<ArchiveRecord>builder()
            .setTopics(stages.keySet().toArray(new String[0]))
            .setGroupId(groupId)
            .setStartingOffsets(StartingOffsets.of(starts))
            .setDeserializer(new ArchiveRecordSchema(stages))
            .setProperties(client)
            .build();
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), name).uid(name);
  }

  /** Writes records to {@code path/stage/date=…}; files can be seen once they are committed. */
  public static DataStreamSink<ArchiveRecord> write(
      DataStream<ArchiveRecord> records, String name, String path) {
    FileSink<ArchiveRecord> sink =
        FileSink.<ArchiveRecord>forBulkFormat(new Path(path), ParquetWriter::new)
            .withBucketAssigner(new DateBuckets())
            .withRollingPolicy(OnCheckpointRollingPolicy.build())
            .withOutputFileConfig(
                OutputFileConfig.builder()
                    .withPartPrefix("part")
                    .withPartSuffix(".parquet")
                    .build())
            .build();
    return records.sinkTo(sink).uid(name).name(name);
  }
}
