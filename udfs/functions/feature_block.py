"""What passes from the features stage to the predictions stage, inside one Python worker."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from udfs.features.shard import Folded
from udfs.features.values import Features
from udfs.functions.clean import CleanBlock
from udfs.functions.quiet import FirstOffsets, loud, loud_letters


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """A clean block and its features.

    Attributes:
        clean: records, columns and dead letters of the block.
        folded: sequence numbers and lateness, (n,) each.
        features: feature rows, (n, f), in the spec's order.
        second: second entity key and its sequence numbers, int64 (n,) each; None without one.
        answers: sections of the answer that were made before.
    """

    clean: CleanBlock
    folded: Folded
    features: Features
    second: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    answers: bytes = b""

    def loud(self, first: FirstOffsets) -> "FeatureBlock":
        """The part of a block of one entity key whose outputs are written."""
        clean, folded = self.clean, self.folded
        raw, at = clean.raw, clean.places
        keep = loud(first, raw.partitions[at], raw.offsets[at])
        columns = {field: column[keep] for field, column in clean.columns.items()}
        letters = loud_letters(first, clean.dead_letters)
        return replace(
            self,
            clean=CleanBlock(
                raw,
                at[keep],
                columns,
                letters,
                None if clean.duplicate is None else clean.duplicate[keep],
                loud_letters(first, clean.dropped),
            ),
            folded=replace(folded, sequence=folded.sequence[keep], late=folded.late[keep]),
            features=self.features[keep],
        )

    def source(self) -> tuple[list[int], list[int], list[int]]:
        """Source partitions, offsets and Kafka timestamps of the records, (n,) each."""
        raw, at = self.clean.raw, self.clean.places
        return raw.partitions[at].tolist(), raw.offsets[at].tolist(), raw.timestamps_ms[at].tolist()

    def column(self, field: str) -> NDArray[np.int64]:
        """A record field of the block, int64 (n,)."""
        return self.clean.columns[field]
