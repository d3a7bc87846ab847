package millrace.flink;

import java.io.Serializable;

/** How rows are packed anew: {@code cells} are those that go on, all of them when it is empty. */
final class RepackSettings implements Serializable {
  private static final long serialVersionUID = 1L;

  final int[] shardKeys;
  final int keyCell;
  final int[] cells;
  final int blockRecords;
  final int blockBytes;
  final long lingerMs;

  RepackSettings(
      int[] shardKeys,
      int keyCell,
      int[] cells,
      int blockRecords,
      int blockBytes,
      long lingerMs) {
    this.shardKeys = shardKeys;
    this.keyCell = keyCell;
    this.cells = cells;
    this.blockRecords = blockRecords;
    this.blockBytes = blockBytes;
    this.lingerMs = lingerMs;
  }
}
