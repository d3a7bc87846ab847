package millrace.flink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * int32 topic, int32 n, int32 keyBytes, int32 valueBytes; int32 keyLength[n] (-1: null);
 * keys; values, each ended by a line feed
 * </pre>
 */
final class UnpackFunction extends RichFlatMapFunction<byte[], OutRecord> {
  private static final long serialVersionUID = 1L;
  private static final int HEADER_BYTES = 16;

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
    ByteBuffer in = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
    int section = 0;
    while (section < answer.length) {
      int topic = in.getInt(section);
      int count = in.getInt(section + 4);
      int keys = section + HEADER_BYTES + 4 * count;
      int values = keys + in.getInt(section + 8);
      int end = values + in.getInt(section + 12);
      int key = keys;
      int value = values;
      for (int i = 0; i < count; i++) {
        int keyLength = in.getInt(section + HEADER_BYTES + 4 * i);
        int line = lineEnd(answer, value, end);
        out.collect(
            new OutRecord(
                topic,
                keyLength < 0 ? null : Arrays.copyOfRange(answer, key, key + keyLength),
                Arrays.copyOfRange(answer, value, line)));
        key += Math.max(keyLength, 0);
        value = line + 1;
      }
      if (key != values || value != end) {
        throw new IllegalStateException(
            "answer section for " + topics[topic] + " does not hold " + count + " records");
      }
      counters[topic].inc(count);
      section = end;
    }
  }

  private static int lineEnd(byte[] answer, int from, int end) {
    for (int i = from; i < end; i++) {
      if (answer[i] == '\n') {
        return i;
      }
    }
    throw new IllegalStateException("answer section ends inside a record");
  }
}
