"""Recommendation: which item does this visitor look at next?

The features are the items of the visitor's running session, newest first; the model ranks the
whole catalogue for them and gives the top of it. The label is the item of the session's next
click, and -1 when it was the last one.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.features.sessions import NO_ITEM, SessionItems
from udfs.features.spec import FeatureSpec
from udfs.use_cases.contract import Columns, Features, Measure, ModelSignature, Output, UseCase
from udfs.use_cases.recommendation_records import Click
from udfs.use_cases.recommendation_world import generate, live

TOP = 20
"""Items in an answer."""

GAP = timedelta(minutes=30)
"""Silence that ends a session, unless `recommendation(gap=...)` says otherwise."""

LENGTH = 10
"""Items of a session that the model sees."""

ITEMS = Output("items", "items", "int64", TOP)
"""The items most likely to come next, best first; -1 where the catalogue has no more."""

SCORES = Output("scores", "scores", "float32", TOP)
"""Each one's share of all votes, descending; 0 beside -1."""

__all__ = ["GAP", "ITEMS", "RECOMMENDATION", "SCORES", "TOP", "Click", "recommendation", "rule"]

_MILLISECOND = timedelta(milliseconds=1)


def assemble(columns: Columns, windows: Mapping[str, Any]) -> Features:
    """The sessions as the fold gave them: int64 (n, length), newest first, -1 for none."""
    items: Features = windows["session"]
    return items


def rule(features: Features) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Items and scores, (n, 20) each, without a model: the session's own items, newest first.

    A row knows no other session, so it cannot know what others went on to. To look at an item
    again is common, though: every fifth click of Diginetica. The scores halve from item to item
    and sum to less than 1.

    >>> items, scores = rule(np.array([[7, 3, 7, -1]]))
    >>> items[0, :3].tolist(), scores[0, :3].tolist()
    ([7, 3, -1], [0.5, 0.25, 0.0])
    """
    n, length = features.shape
    earlier = np.tri(length, k=-1, dtype=np.bool_)
    again = np.any((features[:, :, None] == features[:, None, :]) & earlier, axis=2)
    own = (features != NO_ITEM) & ~again
    items = np.full((n, TOP), NO_ITEM, np.int64)
    place = np.cumsum(own, axis=1) - 1
    rows, columns = np.nonzero(own & (place < TOP))
    items[rows, place[rows, columns]] = features[rows, columns]
    halves = np.where(items == NO_ITEM, 0.0, 0.5 ** np.arange(1, TOP + 1))
    return items, halves.astype(np.float32)


def recommendation(
    name: str = "recommendation", *, gap: timedelta = GAP, length: int = LENGTH
) -> UseCase:
    """The use case with a session gap and a length of one's own.

    Both stand in the feature spec's hash, so a model never meets sessions of another kind.

    Args:
        name: names topics and the model; another name can run beside the built-in one.
        gap: silence that ends a session.
        length: items of a session that the model sees.

    >>> recommendation("shop", gap=timedelta(minutes=10)).spec.folds[0].gap_ms
    600000
    """
    session = SessionItems("session", "visitor_id", "item_id", gap // _MILLISECOND, length)
    earlier = (f"item_{back}_before" for back in range(1, length))
    return UseCase(
        name=name,
        record_type=Click,
        business_id="click_id",
        entity_key="visitor_id",
        event_time="event_time_ms",
        columns=(),
        spec=FeatureSpec(("item", *earlier), (session,)),
        assemble=assemble,
        model=ModelSignature(
            model_name=name, input_name="session", input_dtype="int64", outputs=(ITEMS, SCORES)
        ),
        rule=rule,
        label_delay=gap,
        allowed_lateness=timedelta(minutes=5),
        generate=generate,
        live=live,
        label_dtype="int64",
        fit="training.models.recommendation:fit",
        evaluate="training.ranking:next_item",
        measures=(Measure("p_at_20"), Measure("mrr_at_20")),
        report="training.report.ranking:sections",
    )


RECOMMENDATION = recommendation()
