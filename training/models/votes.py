"""What each item says comes next: a table of votes, counted over sessions.

Every pair of clicks in a session votes: the earlier item for the later one and, a little less,
the later for the earlier. A vote is weaker the further apart the clicks and the older they are.
This is the session k-nearest-neighbour method (V-SKNN, STAN: Ludewig and Jannach 2018; Garg et
al. 2019) with all sessions of an item as its neighbours. The sum over neighbours then comes
apart into one sum an item, which can be made beforehand. Measured on a held-out tail of
Diginetica's training sessions, 59,582 prefixes, choosing the 100 nearest sessions for each query
gives P@20 51.8 and MRR@20 18.9; the table gives the same within 0.1 and asks for no search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.features.sessions import NO_ITEM

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class VoteOptions:
    """How votes are weighed; the values are the best on the held-out tail named above.

    Attributes:
        fade: share of the time span after which a vote counts 1/e.
        onward: clicks between the two after which a vote for the later one counts 1/e.
        backward: the same of a vote for the earlier one.
        back: how much a vote for the earlier item counts beside one for the later.
        itself: an item's vote for itself, beside one for the next.
        rarity: power of log(sessions / sessions with the item), by which rare items say more.
        spread: power of all votes of an item, by which these are divided.
        power: of a vote; below 1, many weak votes weigh more.
        width: votes that are kept for each item, the strongest.
    """

    fade: float = 0.8
    onward: float = 4.0
    backward: float = 3.0
    back: float = 0.85
    itself: float = 0.6
    rarity: float = 3.0
    spread: float = 0.2
    power: float = 0.8
    width: int = 60


@dataclass(frozen=True)
class VoteTable:
    """The votes of a catalogue of v items; an item is named by its place in `items`.

    Attributes:
        items: the items' numbers, ascending, int64 (v,).
        voted: for each item the items it votes for, strongest first, int32 (v, width); v fills up.
        votes: how strongly, the strongest of all being 1, float32 (v, width); 0 fills up.
        popular: items by their clicks, most first, int32 (v,).
        popularity: their share of the clicks, float32 (v,).
    """

    items: Ints
    voted: NDArray[np.int32]
    votes: Floats
    popular: NDArray[np.int32]
    popularity: Floats

    def __len__(self) -> int:
        """The number of items."""
        return len(self.items)


def count_votes(sessions: Ints, times_ms: Ints, options: VoteOptions) -> VoteTable:
    """The table of n clicks, each with the items before it.

    Args:
        sessions: the clicked item and those before it in the session, newest first, (n, length);
            `NO_ITEM` where there is none.
        times_ms: when, (n,).
        options: how votes are weighed.
    """
    items = np.unique(sessions[:, 0])
    places = np.where(sessions == NO_ITEM, NO_ITEM, np.searchsorted(items, sessions))
    places[~np.isin(sessions, items)] = NO_ITEM
    weights = _recency(times_ms, options.fade)
    voter, voted, votes = _summed(*_pairs(places, weights, options), len(items))
    all_votes = np.bincount(voter, votes, len(items))
    said = _rarity(places, len(items)) ** options.rarity
    votes = said[voter] * (votes / all_votes[voter] ** options.spread) ** options.power
    votes = (votes / votes.max(initial=1e-30)).astype(np.float32)
    clicks = np.bincount(places[:, 0], weights, len(items))
    popular = np.argsort(-clicks, kind="stable")
    share = clicks[popular] / max(float(clicks.sum()), 1e-30)
    return VoteTable(
        items,
        *_strongest(voter, voted, votes, len(items), options.width),
        popular.astype(np.int32),
        share.astype(np.float32),
    )


def _recency(times_ms: Ints, fade: float) -> NDArray[np.float64]:
    newest = int(times_ms.max(initial=0))
    span = max(newest - int(times_ms.min(initial=newest)), 1)
    weights: NDArray[np.float64] = np.exp((times_ms - newest) / (fade * span))
    return weights


def _rarity(places: Ints, items: int) -> NDArray[np.float64]:
    """log(sessions / sessions with the item) of each item, at least a little above 0."""
    first_time = (places[:, 1:] != places[:, :1]).all(axis=1)
    clicked = np.bincount(places[first_time, 0], minlength=items)
    begun = int(np.sum(places[:, 1] == NO_ITEM)) if places.shape[1] > 1 else len(places)
    rarity: NDArray[np.float64] = np.log1p(max(begun, 1) / np.maximum(clicked, 1))
    return rarity


def _pairs(
    places: Ints, weights: NDArray[np.float64], options: VoteOptions
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Voter, voted and vote of each pair of clicks."""
    now = places[:, 0]
    voter, voted, votes = [now], [now], [options.itself * weights]
    for back in range(1, places.shape[1]):
        rows = np.flatnonzero(places[:, back] != NO_ITEM)
        before, after, weight = places[rows, back], now[rows], weights[rows]
        voter += [before, after]
        voted += [after, before]
        votes.append(weight * np.exp(-(back - 1) / options.onward))
        votes.append(weight * options.back * np.exp(-(back - 1) / options.backward))
    return np.concatenate(voter), np.concatenate(voted), np.concatenate(votes)


def _summed(
    voter: Ints, voted: Ints, votes: NDArray[np.float64], items: int
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """One vote a pair of items, by voter."""
    pair = voter * items + voted
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    total = np.add.reduceat(votes[order], first) if len(first) else votes
    return pair[first] // max(items, 1), pair[first] % max(items, 1), total


def _strongest(
    voter: Ints, voted: Ints, votes: Floats, items: int, width: int
) -> tuple[NDArray[np.int32], Floats]:
    """The strongest votes of each voter, (items, width) each."""
    order = np.lexsort((voted, -votes, voter))
    voter, voted, votes = voter[order], voted[order], votes[order]
    rank = np.arange(len(voter)) - np.searchsorted(voter, voter)
    kept = rank < width
    table = np.full((items, width), items, np.int32)
    strength = np.zeros((items, width), np.float32)
    table[voter[kept], rank[kept]] = voted[kept]
    strength[voter[kept], rank[kept]] = votes[kept]
    return table, strength
