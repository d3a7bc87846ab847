package millrace.flink;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.types.Row;
import org.apache.flink.util.Collector;

/**
 * Joins blocks of labels with rows of records: rows of changes of labels go on, and answers with
 * the dead letters of labels that found no record.
 *
 * <p>Key: the shard of the business id. Time domain: event time of the records; an event-time timer
 * gives up labels without a record at the end of a bounded stream, and all the time where there are
 * watermarks. State: a MapState of the entries of {@link LabelJoin}. The metrics are those of the
 * labels stage in udfs.metrics.
 */
final class LabelJoinFunction extends KeyedProcessFunction<Row, Row, byte[]> {
  private static final long serialVersionUID = 1L;

  private final LabelJoinSettings settings;
  private final LabelLetters letters;
  private transient Map<Integer, LabelJoin> joins;
  private transient Set<Integer> timers;
  private transient MapState<String, byte[]> state;
  private transient Counter changes;
  private transient Counter again;
  private transient Counter knownAgain;
  private transient Counter deadLetters;
  private transient Counter silent;

  LabelJoinFunction(LabelJoinSettings settings, LabelLetters letters) {
    this.settings = settings;
    this.letters = letters;
  }

  @Override
  public void open(OpenContext context) {
    joins = new HashMap<>();
    timers = new HashSet<>();
    state =
        getRuntimeContext()
            .getMapState(
                new MapStateDescriptor<>(
                    "labels", Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    MetricGroup group =
        getRuntimeContext().getMetricGroup().addGroup("use_case", settings.useCase());
    changes = group.counter("label_changes");
    again = group.counter("labels_again");
    knownAgain = group.counter("business_ids_again");
    deadLetters = group.counter("label_dead_letters");
    silent = group.addGroup("means", settings.silence()).counter("labels_silent");
  }

  @Override
  public void processElement(Row shardAndBlock, Context context, Collector<byte[]> out)
      throws Exception {
    int shard = shard(context.getCurrentKey());
    LabelJoin join = join(shard, context.timerService());
    byte[] block = (byte[]) shardAndBlock.getField(1);
    if (RowBlocks.holdsRows(block)) {
      join.records(block);
    } else {
      join.labels(block);
    }
    finish(join, shard, context.timerService(), out);
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<byte[]> out)
      throws Exception {
    int shard = shard(context.getCurrentKey());
    timers.remove(shard);
    LabelJoin join = join(shard, context.timerService());
    join.advance(context.timerService().currentWatermark());
    join.expire();
    finish(join, shard, context.timerService(), out);
  }

  private static int shard(Row key) {
    return (Integer) key.getField(0);
  }

  private LabelJoin join(int shard, TimerService times) throws Exception {
    LabelJoin join = joins.get(shard);
    if (join == null) {
      Map<String, byte[]> entries = new HashMap<>();
      for (Map.Entry<String, byte[]> entry : state.entries()) {
        entries.put(entry.getKey(), entry.getValue());
      }
      join = new LabelJoin(settings, entries);
      joins.put(shard, join);
    }
    if (settings.byWatermark()) {
      join.advance(times.currentWatermark());
    }
    return join;
  }

  /** Stores what became of the state, and gives what the block led to. */
  private void finish(LabelJoin join, int shard, TimerService times, Collector<byte[]> out)
      throws Exception {
    for (Map.Entry<String, byte[]> write : join.writes().entrySet()) {
      if (write.getValue() == null) {
        state.remove(write.getKey());
      } else {
        state.put(write.getKey(), write.getValue());
      }
    }
    // One timer a shard, for its first label that waits.
    if (join.waiting() > 0 && timers.add(shard)) {
      times.registerEventTimeTimer(join.giveUpMs());
    }
    again.inc(join.again());
    knownAgain.inc(join.knownAgain());
    silent.inc(join.silent());
    byte[] rows = join.changes();
    if (rows != null) {
      changes.inc(RowBlocks.count(rows));
      out.collect(rows);
    }
    List<LabelJoin.Unmatched> unmatched = join.unmatched();
    deadLetters.inc(unmatched.size());
    byte[] answer = letters.answer(unmatched);
    if (answer != null) {
      out.collect(answer);
    }
  }
}
