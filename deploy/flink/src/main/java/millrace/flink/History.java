package millrace.flink;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Raw records out of a history file instead of Kafka, called from the Python jobs. */
public final class History {
  private static final Duration NEVER_AGAIN = Duration.ofDays(365);

  private History() {}

  /**
   * Frames of a history file, in their order. The stream does not end with the file: an end would
   * bring event time to its end too, and with it what waits for later records. The file
   * {@code filled} is made once a complete checkpoint holds what all {@code frames} led to.
   */
  public static SingleOutputStreamOperator<byte[]> frames(
      StreamExecutionEnvironment env, String name, String path, int frames, String filled) {
    FileSource<byte[]> source =
        FileSource.forRecordStreamFormat(new HistoryFormat(), new Path(path))
            .monitorContinuously(NEVER_AGAIN)
            .build();
    return env.fromSource(source, WatermarkStrategy.noWatermarks(), name + "/read")
        .uid(name + "/read")
        .setParallelism(1)
        .map(new HistoryEnd(frames, filled))
        .uid(name + "/end")
        .name(name + "/end")
        .setParallelism(1);
  }

  /** The records of a stage, in their order; with watermarks those that the frames carry. */
  public static SingleOutputStreamOperator<RawRecord> records(
      DataStream<byte[]> frames, String name, int stage, boolean watermarks) {
    SingleOutputStreamOperator<byte[]> own =
        frames
            .filter(frame -> HistoryFormat.stage(frame) == stage)
            .uid(name + "/of-stage")
            .setParallelism(1);
    if (watermarks) {
      own =
          own.assignTimestampsAndWatermarks(
                  WatermarkStrategy.forGenerator(context -> new FrameWatermarks()))
              .uid(name + "/watermarks")
              .setParallelism(1);
    }
    return own.<RawRecord>flatMap(
            (frame, out) ->
                BlockBuilder.records(HistoryFormat.block(frame)).forEach(out::collect))
        .returns(RawRecord.class)
        .uid(name + "/records")
        .name(name + "/records")
        .setParallelism(1);
  }

  /** The watermark of a frame holds behind it. */
  private static final class FrameWatermarks implements WatermarkGenerator<byte[]> {
    @Override
    public void onEvent(byte[] frame, long timestamp, WatermarkOutput output) {
      long watermark = HistoryFormat.watermark(frame);
      if (watermark > Long.MIN_VALUE) {
        output.emitWatermark(new Watermark(watermark));
      }
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {}
  }
}
