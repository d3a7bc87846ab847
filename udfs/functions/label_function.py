"""The Flink function that cleans labels for their join with records."""

from collections.abc import Iterator

from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from udfs import metrics
from udfs.functions.answers import encode_dead_letters
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.functions.quiet import FirstOffsets, loud_letters
from udfs.functions.told_labels import encode_labels
from udfs.use_cases.find import find_use_case
from udfs.use_cases.label_records import label_case


class LabelFunction(KeyedProcessFunction):
    """Turns raw blocks of labels into blocks of those that can be used.

    Key: the shard of the business id, which all usable labels of a block share. No time domain, no
    state: the join (`millrace.flink.LabelJoinFunction`) has both. Failures: labels that cannot be
    used become dead letters, an answer of their own.
    """

    def __init__(
        self,
        use_case: str,
        topic: str,
        max_clock_skew_ms: int,
        quiet: FirstOffsets | None = None,
    ) -> None:
        self._use_case_name = use_case
        self._topic = topic
        self._max_clock_skew_ms = max_clock_skew_ms
        self._quiet = dict(quiet or {})

    def open(self, runtime_context: RuntimeContext) -> None:
        """Registers metrics."""
        use_case = find_use_case(self._use_case_name)
        self._business_id = use_case.business_id
        self._clean = Clean(label_case(use_case), self._topic, self._max_clock_skew_ms)
        group = runtime_context.get_metrics_group().add_group("use_case", use_case.name)
        self._labels = group.counter(metrics.LABELS)
        self._dead_letters = group.counter(metrics.LABEL_DEAD_LETTERS)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Yields the usable labels, then an answer with the others; neither when there are none."""
        clean = self._clean(RawBlock.decode(value))
        self._labels.inc(len(clean.raw))
        self._dead_letters.inc(len(clean.dead_letters))
        if len(clean.places):
            yield encode_labels(clean, self._business_id)
        letters = loud_letters(self._quiet, clean.dead_letters)
        if letters:
            yield encode_dead_letters(letters)
