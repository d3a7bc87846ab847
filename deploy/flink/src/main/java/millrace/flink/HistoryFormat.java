package millrace.flink;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;

/**
 * Frames of a history file, little-endian; written by millrace.archive.history:
 *
 * <pre>
 * int32 bytes of what follows; int32 stage; int64 watermark; raw block
 * </pre>
 */
final class HistoryFormat extends SimpleStreamFormat<byte[]> {
  private static final long serialVersionUID = 1L;
  private static final int STAGE_AT = 0;
  private static final int WATERMARK_AT = 4;
  private static final int BLOCK_AT = 12;

  static int stage(byte[] frame) {
    return in(frame).getInt(STAGE_AT);
  }

  static long watermark(byte[] frame) {
    return in(frame).getLong(WATERMARK_AT);
  }

  static byte[] block(byte[] frame) {
    return java.util.Arrays.copyOfRange(frame, BLOCK_AT, frame.length);
  }

  @Override
  public StreamFormat.Reader<byte[]> createReader(Configuration config, FSDataInputStream stream) {
    return new FrameReader(stream);
  }

  @Override
  public TypeInformation<byte[]> getProducedType() {
    return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  }

  private static ByteBuffer in(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static final class FrameReader implements StreamFormat.Reader<byte[]> {
    private final FSDataInputStream stream;

    FrameReader(FSDataInputStream stream) {
      this.stream = stream;
    }

    @Override
    public byte[] read() throws IOException {
      byte[] length = new byte[Integer.BYTES];
      int got = stream.readNBytes(length, 0, length.length);
      if (got == 0) {
        return null;
      }
      byte[] frame = got < length.length ? new byte[0] : new byte[in(length).getInt()];
      if (frame.length == 0 || stream.readNBytes(frame, 0, frame.length) < frame.length) {
        throw new EOFException("the history ends in the middle of a frame");
      }
      return frame;
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }
}
