package millrace.flink;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.metrics.Counter;
import org.apache.flink.util.Collector;

/**
 * Takes an answer block apart into records for the sink. An answer is a run of sections,
 * little-endian:
 *
 * <pre>
 * int32 topic, int32 form, int32 n, int32 keyBytes, int32 valueBytes;
 * int32 keyLength[n] (-1: null); keys; values
 * </pre>
 *
 * Values of form 0 are lines, each ended by a line feed; form 1 is {@link ColumnLines}.
 */
final class UnpackFunction extends RichFlatMapFunction<byte[], OutRecord> {
  private static final long serialVersionUID = 2L;
  private static final int HEADER_BYTES = 20;
  private static final int COLUMNS = 1;

  private final String[] topics;
  private transient Counter[] counters;

  UnpackFunction(String[] topics) {
    this.topics = topics.clone();
  }

  @Override
  public void open(OpenContext context) {
    counters = new Counter[topics.length];
    Arrays.setAll(
        counters,
        i ->
            getRuntimeContext()
                .getMetricGroup()
                .addGroup("topic", topics[i])
                .counter("recordsToTopic"));
  }

  @Override
  public void flatMap(byte[] answer, Collector<OutRecord> out) {
    ByteBuffer in = RowBlocks.in(answer);
    int section = 0;
    while (section < answer.length) {
      int topic = in.getInt(section);
      int count = in.getInt(section + 8);
      int keys = section + HEADER_BYTES + 4 * count;
      int values = keys + in.getInt(section + 12);
      int end = values + in.getInt(section + 16);
      int read =
          in.getInt(section + 4) == COLUMNS
              ? columns(in, section, values, out)
              : lines(in, section, values, out);
      if (read != end) {
        throw new IllegalStateException(
            "answer section for " + topics[topic] + " does not hold " + count + " records");
      }
      counters[topic].inc(count);
      section = end;
    }
  }

  private static int columns(ByteBuffer in, int section, int from, Collector<OutRecord> out) {
    int count = in.getInt(section + 8);
    ColumnLines lines = new ColumnLines(in, from, count);
    int key = section + HEADER_BYTES + 4 * count;
    for (int i = 0; i < count; i++) {
      int keyLength = in.getInt(section + HEADER_BYTES + 4 * i);
      out.collect(
          new OutRecord(
              in.getInt(section), key(in.array(), key, keyLength), lines.value(i)));
      key += Math.max(keyLength, 0);
    }
    return lines.end();
  }

  private static int lines(ByteBuffer in, int section, int from, Collector<OutRecord> out) {
    byte[] answer = in.array();
    int count = in.getInt(section + 8);
    int key = section + HEADER_BYTES + 4 * count;
    int value = from;
    for (int i = 0; i < count; i++) {
      int keyLength = in.getInt(section + HEADER_BYTES + 4 * i);
      int line = value;
      while (answer[line] != '\n') {
        line++;
      }
      out.collect(
          new OutRecord(
              in.getInt(section),
              key(answer, key, keyLength),
              Arrays.copyOfRange(answer, value, line)));
      key += Math.max(keyLength, 0);
      value = line + 1;
    }
    return value;
  }

  private static byte[] key(byte[] answer, int from, int length) {
    return length < 0 ? null : Arrays.copyOfRange(answer, from, from + length);
  }
}
