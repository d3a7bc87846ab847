"""The report on a ranking: who gets a hit, what is shown, and what of the catalogue never is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.ranking import hit_rate, ranks, reciprocal_rank
from training.report import charts
from training.report.page import Section, Table
from training.report.run import Run
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.recommendation import ITEMS, LENGTH, TOP

_DAY_MS = 86_400_000
_GROUPS = 10

Ints = NDArray[np.int64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """The test rows that have a next click, n of them.

    Attributes:
        test: the rows.
        items: what the model shows, (n, k).
        places: the place of the next item among them, 0 where it is not; (n,).
        rule_places: the same of the rule, (n,).
        known: the catalogue: items of training and validation, most clicked first, (c,).
        clicks: their clicks, (c,).
    """

    test: Dataset
    items: Ints
    places: Ints
    rule_places: Ints
    known: Ints
    clicks: Ints

    @classmethod
    def of(cls, run: Run) -> "Judged":
        """The judged rows of a run."""
        test = run.test[run.test.labels != NO_ITEM]
        items = run.model.outputs(test.features.astype(np.int64))[ITEMS.tensor]
        clicked = np.concatenate([run.train.features[:, 0], run.validation.features[:, 0]])
        known, clicks = np.unique(clicked.astype(np.int64), return_counts=True)
        order = np.argsort(-clicks, kind="stable")
        return cls(
            test,
            items,
            ranks(items, test.labels),
            ranks(run.use_case.rule(test.features)[0], test.labels),
            known[order],
            clicks[order],
        )

    def popularity(self, items: Ints) -> Ints:
        """The tenth of the catalogue that each item is in, from 0, the most clicked; -1 unknown."""
        by_number = np.argsort(self.known)
        at = np.searchsorted(self.known, items, sorter=by_number)
        rank = by_number[np.minimum(at, len(self.known) - 1)]
        found: Ints = np.where(
            self.known[rank] == items, rank * _GROUPS // max(len(self.known), 1), -1
        )
        return found


def sections(run: Run) -> Sequence[Section]:
    """All sections, in the order of reading."""
    judged = Judged.of(run)
    return [
        _places(judged),
        _by_length(judged),
        _popularity(judged),
        _coverage(judged),
        _slices(judged),
    ]


def _places(judged: Judged) -> Section:
    top = np.arange(1, TOP + 1)
    curves = {
        name: (top, np.array([hit_rate(places, int(k)) for k in top]))
        for name, places in (("model", judged.places), ("rule", judged.rule_places))
    }
    return Section(
        "Ranking",
        f"Of {len(judged.places):,} test clicks with a next one, {hit_rate(judged.places):.1f} % "
        f"have it among the {TOP} items shown, {hit_rate(judged.places, 1):.1f} % at the first "
        f"place; MRR@{TOP} is {reciprocal_rank(judged.places):.2f} %. Hit rates (P@k) and MRR are "
        "in percent, here and above.",
        [
            charts.lines(
                curves, x="items shown", y="hit rate, %", caption="Hit rate by how many are shown."
            )
        ],
    )


def _by_length(judged: Judged) -> Section:
    length = (judged.test.features != NO_ITEM).sum(axis=1)
    parts = [(k, length == k) for k in range(1, int(length.max(initial=1)) + 1)]
    shown = [(k, rows) for k, rows in parts if rows.any()]
    across = np.array([k for k, _ in shown])
    hits = np.array([hit_rate(judged.places[rows]) for _, rows in shown])
    first = np.array([reciprocal_rank(judged.places[rows]) for _, rows in shown])
    return Section(
        "Session length",
        f"How well it goes by the clicks of the session until then. The model sees {LENGTH} at "
        "most, so longer sessions are with those.",
        [
            charts.lines(
                {f"hit rate@{TOP}": (across, hits), f"MRR@{TOP}": (across, first)},
                x="clicks seen",
                y="%",
                caption="By session length.",
                markers=True,
            )
        ],
        [
            _table(
                "clicks seen",
                [(f"{k} and more" if k == LENGTH else str(k), rows) for k, rows in shown],
                judged,
            )
        ],
    )


def _popularity(judged: Judged) -> Section:
    shown = judged.popularity(judged.items[judged.items != NO_ITEM])
    wanted = judged.popularity(judged.test.labels)
    shares = [
        np.bincount(group[group >= 0], minlength=_GROUPS) / max(len(group), 1)
        for group in (shown, wanted)
    ]
    rows = [("not in training", wanted == -1)] if (wanted == -1).any() else []
    names = [f"tenth {group + 1}" for group in range(_GROUPS)]
    rows += [(name, wanted == group) for group, name in enumerate(names)]
    clicks = judged.clicks.sum()
    top = float(judged.clicks[: max(len(judged.clicks) // _GROUPS, 1)].sum()) / max(int(clicks), 1)
    return Section(
        "Popularity",
        f"The catalogue in tenths, most clicked first; the first tenth has {top:.0%} of the "
        "training clicks. A model that shows the first tenths far more often than visitors go "
        "there makes the popular more popular.",
        [
            charts.paired_bars(
                names,
                {
                    what: (100.0 * share).tolist()
                    for what, share in zip(("shown", "clicked next"), shares, strict=True)
                },
                x="share, %",
                caption="What is shown, and what is clicked next, by popularity.",
            )
        ],
        [_table("next item is in", [part for part in rows if part[1].any()], judged)],
    )


def _coverage(judged: Judged) -> Section:
    shown = judged.items[judged.items != NO_ITEM]
    items, counts = np.unique(shown, return_counts=True)
    ordered = np.sort(counts)[::-1]
    most = np.cumsum(ordered) / max(int(ordered.sum()), 1)
    catalogue = np.arange(1, len(items) + 1) / max(len(judged.known), 1)
    return Section(
        "Coverage",
        f"{len(items):,} of the {len(judged.known):,} items of the catalogue "
        f"({len(items) / max(len(judged.known), 1):.1%}) are shown to somebody in the test part.",
        [
            charts.lines(
                {"model": (100 * catalogue, 100 * most)},
                x="share of the catalogue, %",
                y="share of all places, %",
                caption="How few items take how many places, the most shown first.",
            )
        ],
    )


def _slices(judged: Judged) -> Section:
    tables = [_table(caption, parts, judged) for caption, parts in _parts(judged)]
    return Section("Slices", "The same model on parts of the test.", tables=tables)


def _parts(judged: Judged) -> Iterator[tuple[str, list[tuple[str, Rows]]]]:
    """Slices of the test by caption: name and rows, bool (n,)."""
    days = judged.test.times_ms // _DAY_MS
    yield "day (UTC)", [(str(np.datetime64(int(d), "D")), days == d) for d in np.unique(days)]
    again = (judged.test.features == judged.test.labels[:, None]).any(axis=1)
    yield "the next item", [("was in the session", again), ("is new in it", ~again)]
    unknown = judged.popularity(judged.test.features[:, 0].astype(np.int64)) == -1
    yield "the clicked item", [("is known", ~unknown), ("is not", unknown)]


def _table(caption: str, parts: Sequence[tuple[str, Rows]], judged: Judged) -> Table:
    headings = (caption, "rows", f"hit rate@{TOP}", f"MRR@{TOP}", "hit rate@1", "rule's hit rate")
    return Table(headings, [_row(name, rows, judged) for name, rows in parts if rows.any()])


def _row(name: str, rows: Rows, judged: Judged) -> tuple[str, ...]:
    places: Any = judged.places[rows]
    figures = (
        hit_rate(places),
        reciprocal_rank(places),
        hit_rate(places, 1),
        hit_rate(judged.rule_places[rows]),
    )
    return (name, f"{len(places):,}", *(f"{figure:.2f}" for figure in figures))
