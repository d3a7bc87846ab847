"""How well a ranking finds the one item that comes next."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.recommendation import ITEMS, TOP


def ranks(items: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each label (n,) among the items (n, k), from 1; 0 where it is not there.

    >>> ranks(np.array([[5, 3, 9], [5, 3, 9]]), np.array([3, 4])).tolist()
    [2, 0]
    """
    found = items == labels[:, None]
    place: NDArray[np.int64] = np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0)
    return place


def hit_rate(places: NDArray[np.int64], top: int = TOP) -> float:
    """The share of places from 1 to `top`, in percent: what the literature calls P@k; or nan.

    >>> hit_rate(np.array([1, 0, 4, 21]), top=20)
    50.0
    """
    return _mean((places > 0) & (places <= top))


def reciprocal_rank(places: NDArray[np.int64], top: int = TOP) -> float:
    """The mean of 1 / place, 0 for places beyond `top`, in percent: MRR@k; or nan.

    >>> reciprocal_rank(np.array([1, 0, 4, 21]), top=20)
    31.25
    """
    inside = (places > 0) & (places <= top)
    return _mean(np.where(inside, 1.0 / np.maximum(places, 1), 0.0))


def _mean(values: NDArray[Any]) -> float:
    return 100.0 * float(np.mean(values)) if len(values) else float("nan")


def next_item(test: Dataset, outputs: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """P@20 and MRR@20 in percent over the rows that have a next click; P@1 and P@5 beside them.

    The last click of a session has no next one, and nothing can be right or wrong about it.
    `items_shown` counts the different items in all answers.
    """
    has_next = test.labels != NO_ITEM
    items = outputs[ITEMS.tensor][has_next]
    places = ranks(items, test.labels[has_next])
    return {
        "p_at_20": hit_rate(places),
        "mrr_at_20": reciprocal_rank(places),
        "p_at_5": hit_rate(places, 5),
        "p_at_1": hit_rate(places, 1),
        "items_shown": float(len(np.setdiff1d(items, [NO_ITEM]))),
    }
