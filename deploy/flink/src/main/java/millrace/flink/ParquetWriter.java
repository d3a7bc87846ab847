package millrace.flink;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.parquet.bytes.ByteBufferAllocator;
import org.apache.parquet.bytes.HeapByteBufferAllocator;
import org.apache.parquet.column.ColumnWriteStore;
import org.apache.parquet.column.ColumnWriter;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.hadoop.ColumnChunkPageWriteStore;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/**
 * Writes records of the archive as one Parquet file, column by column.
 *
 * <p>parquet-java's usual writer loads Hadoop's classes, which a Flink from PyPI lacks; the parts
 * under it, used here, do not.
 */
final class ParquetWriter implements BulkWriter<ArchiveRecord> {
  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          "message archive { required int32 partition; required int64 offset;"
              + " required int64 timestamp_ms; optional binary key; optional binary value;"
              + " optional group headers (LIST) { repeated group list { required group element {"
              + " required binary key (STRING); optional binary value; } } } }");
  private static final String OFFSETS_KEY = "millrace.offsets";
  private static final long ROW_GROUP_BYTES = 16L << 20;
  /** All open files of a JVM together: a replay may have hundreds of dates open at once. */
  private static final long BUFFERED_BYTES = 192L << 20;
  private static final int CHECK_EVERY = 500;
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final ByteBufferAllocator allocator = new HeapByteBufferAllocator();
  private final ParquetProperties properties;
  private final ParquetFileWriter file;
  private final Map<Integer, long[]> spans = new TreeMap<>();
  private ColumnChunkPageWriteStore pages;
  private ColumnWriteStore store;
  private final ColumnWriter[] columns = new ColumnWriter[SCHEMA.getColumns().size()];
  private long rows;

  ParquetWriter(FSDataOutputStream stream) throws IOException {
    properties =
        ParquetProperties.builder()
            .withAllocator(allocator)
            .withDictionaryEncoding("offset", false)
            .withDictionaryEncoding("timestamp_ms", false)
            .withDictionaryEncoding("value", false)
            .withStatisticsEnabled("key", false)
            .withStatisticsEnabled("value", false)
            .build();
    file =
        new ParquetFileWriter(
            new StreamOutputFile(stream),
            SCHEMA,
            ParquetFileWriter.Mode.CREATE,
            ROW_GROUP_BYTES,
            0,
            null,
            properties);
    file.start();
    OPEN.incrementAndGet();
    startRowGroup();
  }

  @Override
  public void addElement(ArchiveRecord record) throws IOException {
    columns[0].write(record.partition, 0, 0);
    columns[1].write(record.offset, 0, 0);
    columns[2].write(record.timestamp, 0, 0);
    write(columns[3], record.key);
    write(columns[4], record.value);
    writeHeaders(record);
    store.endRecord();
    note(record);
    rows++;
    if (rows % CHECK_EVERY == 0 && store.getBufferedSize() > limit()) {
      endRowGroup();
      startRowGroup();
    }
  }

  /** Nothing: a page is written once it is full, and a file once it is finished. */
  @Override
  public void flush() {}

  @Override
  public void finish() throws IOException {
    OPEN.decrementAndGet();
    endRowGroup();
    String offsets =
        spans.entrySet().stream()
            .map(
                span ->
                    String.format(
                        "\"%d\": [%d, %d, %d]",
                        span.getKey(),
                        span.getValue()[0],
                        span.getValue()[1],
                        span.getValue()[2]))
            .collect(Collectors.joining(", ", "{", "}"));
    file.end(Map.of(OFFSETS_KEY, offsets));
  }

  private static long limit() {
    return Math.min(ROW_GROUP_BYTES, BUFFERED_BYTES / Math.max(1, OPEN.get()));
  }

  private static void write(ColumnWriter column, byte[] bytes) {
    if (bytes == null) {
      column.writeNull(0, 0);
    } else {
      column.write(Binary.fromConstantByteArray(bytes), 0, 1);
    }
  }

  /** Levels count from the root: 1 a list, 2 an entry, whose key is there, 3 also its value. */
  private void writeHeaders(ArchiveRecord record) {
    ColumnWriter keys = columns[5];
    ColumnWriter values = columns[6];
    if (record.headerKeys == null) {
      keys.writeNull(0, 0);
      values.writeNull(0, 0);
      return;
    }
    for (int i = 0; i < record.headerKeys.length; i++) {
      int repetition = i == 0 ? 0 : 1;
      keys.write(Binary.fromString(record.headerKeys[i]), repetition, 2);
      byte[] value = record.headerValues[i];
      if (value == null) {
        values.writeNull(repetition, 2);
      } else {
        values.write(Binary.fromConstantByteArray(value), repetition, 3);
      }
    }
  }

  private void note(ArchiveRecord record) {
    long[] span = spans.get(record.partition);
    if (span == null) {
      spans.put(record.partition, new long[] {record.offset, record.offset, 1});
    } else {
      span[1] = record.offset;
      span[2]++;
    }
  }

  private void startRowGroup() {
    pages =
        new ColumnChunkPageWriteStore(
            new ZstdCompressor(), SCHEMA, allocator, properties.getColumnIndexTruncateLength());
    store = properties.newColumnWriteStore(SCHEMA, pages, pages);
    for (int i = 0; i < columns.length; i++) {
      columns[i] = store.getColumnWriter(SCHEMA.getColumns().get(i));
    }
    rows = 0;
  }

  private void endRowGroup() throws IOException {
    if (rows > 0) {
      file.startBlock(rows);
      store.flush();
      pages.flushToFileWriter(file);
      file.endBlock();
    }
    store.close();
    pages.close();
  }
}
