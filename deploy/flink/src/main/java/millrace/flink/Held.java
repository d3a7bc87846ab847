package millrace.flink;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;

/** Records of one shard that wait for their turn, out of raw blocks or out of blocks of rows. */
final class Held {
  private static final Comparator<Item> ORDER =
      Comparator.<Item>comparingLong(item -> item.time)
          .thenComparingLong(item -> item.source)
          .thenComparingLong(item -> item.offset);

  private final int blockRecords;
  private List<Item> items = new ArrayList<>();
  private long earliest = Long.MAX_VALUE;

  Held(int blockRecords) {
    this.blockRecords = blockRecords;
  }

  boolean isEmpty() {
    return items.isEmpty();
  }

  void add(byte[] block) {
    if (RowBlocks.holdsRows(block)) {
      addRows(block);
    } else {
      for (RawRecord record : BlockBuilder.records(block)) {
        add(new Item(record.timestamp, record.partition, record.offset, record));
      }
    }
  }

  /** Gives all that lies at or before the time, in order, and holds it no longer. */
  void release(long until, Consumer<byte[]> blocks) {
    if (earliest > until) {
      return;
    }
    List<Item> due = new ArrayList<>();
    List<Item> rest = new ArrayList<>();
    earliest = Long.MAX_VALUE;
    for (Item item : items) {
      if (item.time <= until) {
        due.add(item);
      } else {
        rest.add(item);
        earliest = Math.min(earliest, item.time);
      }
    }
    items = rest;
    due.sort(ORDER);
    pack(due, blocks);
  }

  /** Gives all that is held, and goes on holding it. */
  void copy(Consumer<byte[]> blocks) {
    pack(items, blocks);
  }

  private void add(Item item) {
    items.add(item);
    earliest = Math.min(earliest, item.time);
  }

  private void addRows(byte[] block) {
    ByteBuffer in = RowBlocks.in(block);
    int width = RowBlocks.CELL_BYTES * in.getInt(8);
    for (int from = RowBlocks.HEADER_BYTES; from < block.length; from += width) {
      add(
          new Item(
              in.getLong(from + RowBlocks.CELL_BYTES * RowBlocks.TIME),
              RowBlocks.orderOf(in.getLong(from + RowBlocks.CELL_BYTES * RowBlocks.SOURCE)),
              in.getLong(from + RowBlocks.CELL_BYTES * RowBlocks.OFFSET),
              Arrays.copyOfRange(block, from, from + width)));
    }
  }

  private void pack(List<Item> some, Consumer<byte[]> blocks) {
    RowBlocks.Builder rows = new RowBlocks.Builder();
    BlockBuilder records = new BlockBuilder();
    for (Item item : some) {
      if (item.payload instanceof RawRecord) {
        records.add((RawRecord) item.payload);
      } else {
        byte[] row = (byte[]) item.payload;
        rows.add(row, 0, row.length / RowBlocks.CELL_BYTES);
      }
      if (rows.count() >= blockRecords) {
        blocks.accept(rows.build());
      } else if (records.count() >= blockRecords) {
        blocks.accept(records.build());
      }
    }
    if (rows.count() > 0) {
      blocks.accept(rows.build());
    }
    if (records.count() > 0) {
      blocks.accept(records.build());
    }
  }

  private static final class Item {
    final long time;
    final long source;
    final long offset;
    final Object payload;

    Item(long time, long source, long offset, Object payload) {
      this.time = time;
      this.source = source;
      this.offset = offset;
      this.payload = payload;
    }
  }
}
