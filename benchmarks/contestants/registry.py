"""All contestants of the rates, in the order in which they take their turns."""

from dataclasses import dataclass

MAIN, MANY, SMALL = "main", "many", "small"
"""Raw topics: 5,000 customers, 200,000 customers, few records of 5,000 customers."""

RECOMMENDATION, MAINTENANCE = GENERATED = ("recommendation", "maintenance")
"""Raw topics with what the generator of the use case of that name makes."""


@dataclass(frozen=True)
class Contestant:
    """One entry of the table of rates.

    Attributes:
        name: its key among the rates.
        module: what runs, under `benchmarks.contestants`.
        parallelism: subtasks of a Flink job.
        processes: processes of a hand-written one.
        exactly_once: its guarantee.
        target: the settings it follows.
        topics: which raw topics it reads.
        predicts: it calls the model; else it passes the raw values on.
        folds: its predictions carry the customer's sequence number.
        labels: it reads labels too.
        required: also part of a quick run.
        aside: no bar asks for it; it takes one turn only.
    """

    name: str
    module: str
    parallelism: int = 2
    processes: int = 1
    exactly_once: bool = False
    target: str = "throughput"
    topics: tuple[str, ...] = (MAIN,)
    predicts: bool = True
    folds: bool = True
    labels: bool = False
    required: bool = False
    aside: bool = False

    @property
    def use_case(self) -> str:
        """The use case whose model it calls."""
        return self.topics[0] if self.topics[0] in GENERATED else "fraud"


# The pass-through reads both large topics, or it would be done before its steady state.
_BOTH = (MAIN, MANY)

CONTESTANTS = (
    Contestant("score_exactly_once", "score", exactly_once=True, required=True),
    Contestant(
        "score_labels_exactly_once", "score_labels", exactly_once=True, labels=True, required=True
    ),
    Contestant("handwritten_unguarded_1", "handwritten_unguarded", required=True),
    Contestant("score_at_least_once", "score", required=True),
    Contestant("handwritten_unguarded_2", "handwritten_unguarded", processes=2, required=True),
    Contestant(
        "score_every_label_exactly_once", "score_every_label", exactly_once=True, labels=True
    ),
    Contestant(
        "score_recommendation",
        "score_installed",
        exactly_once=True,
        topics=(RECOMMENDATION,),
        required=True,
    ),
    Contestant(
        "score_maintenance",
        "score_installed",
        exactly_once=True,
        topics=(MAINTENANCE,),
        required=True,
    ),
    Contestant("handwritten_overlapped_1", "handwritten_overlapped", aside=True),
    Contestant("score_exactly_once_200k", "score", exactly_once=True, topics=(MANY,)),
    Contestant("handwritten_durable", "handwritten_durable", exactly_once=True, required=True),
    Contestant(
        "jvm_pass_through",
        "jvm_pass_through",
        exactly_once=True,
        topics=_BOTH,
        predicts=False,
        folds=False,
        required=True,
    ),
    Contestant(
        "score_exactly_once_balanced", "score", exactly_once=True, target="balanced", aside=True
    ),
    Contestant(
        "handwritten_durable_2", "handwritten_durable", processes=2, exactly_once=True, aside=True
    ),
    Contestant("score_exactly_once_1", "score", parallelism=1, exactly_once=True),
    Contestant("score_at_least_once_1", "score", parallelism=1),
    Contestant(
        "blocks_without_work",
        "blocks_without_work",
        exactly_once=True,
        folds=False,
        predicts=False,
        aside=True,
    ),
    Contestant(
        "jvm_pass_through_at_least_once",
        "jvm_pass_through",
        topics=_BOTH,
        predicts=False,
        folds=False,
        aside=True,
    ),
    Contestant("documented_async", "documented_async", topics=(SMALL,), folds=False, required=True),
    Contestant(
        "documented_async_with_state",
        "documented_stateful",
        topics=(SMALL,),
        folds=False,
        aside=True,
    ),
)
