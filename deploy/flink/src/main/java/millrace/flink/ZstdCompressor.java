package millrace.flink;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory.BytesInputCompressor;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/** Compresses Parquet pages with Zstandard; parquet-java's own way there needs Hadoop. */
final class ZstdCompressor implements BytesInputCompressor {
  private static final int LEVEL = 3;

  @Override
  public BytesInput compress(BytesInput page) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream((int) page.size());
    page.writeAllTo(bytes);
    return BytesInput.from(Zstd.compress(bytes.toByteArray(), LEVEL));
  }

  @Override
  public CompressionCodecName getCodecName() {
    return CompressionCodecName.ZSTD;
  }

  @Override
  public void release() {}
}
