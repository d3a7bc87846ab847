package millrace.flink;

import java.io.IOException;
import org.apache.flink.core.fs.FSDataOutputStream;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/** A stream of Flink's as the file that parquet-java writes; Flink closes it. */
final class StreamOutputFile implements OutputFile {
  private final FSDataOutputStream stream;

  StreamOutputFile(FSDataOutputStream stream) {
    this.stream = stream;
  }

  @Override
  public PositionOutputStream create(long blockSizeHint) {
    return new Positioned(stream);
  }

  @Override
  public PositionOutputStream createOrOverwrite(long blockSizeHint) {
    return new Positioned(stream);
  }

  @Override
  public boolean supportsBlockSize() {
    return false;
  }

  @Override
  public long defaultBlockSize() {
    return 0;
  }

  private static final class Positioned extends PositionOutputStream {
    private final FSDataOutputStream stream;

    Positioned(FSDataOutputStream stream) {
      this.stream = stream;
    }

    @Override
    public long getPos() throws IOException {
      return stream.getPos();
    }

    @Override
    public void write(int value) throws IOException {
      stream.write(value);
    }

    @Override
    public void write(byte[] bytes, int start, int length) throws IOException {
      stream.write(bytes, start, length);
    }

    @Override
    public void flush() throws IOException {
      stream.flush();
    }
  }
}
