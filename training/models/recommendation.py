"""The recommendation model: the items of a session vote for what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.tensorflow_quiet import tf
from training.models.votes import VoteOptions, VoteTable, count_votes
from training.progress import OnProgress
from training.ranking import hit_rate, ranks, reciprocal_rank
from udfs.errors import DataError
from udfs.features.sessions import NO_ITEM
from udfs.use_cases.contract import ModelSignature

_CHOSEN_ON_ROWS = 6_000
_SCORE_ROWS = 1_024
_BEYOND_ALL = np.iinfo(np.int64).max
# Popularity decides where nobody votes, and nowhere else.
_POPULAR_VOTES = 1e-9


@dataclass(frozen=True)
class ElectionOptions:
    """How the votes of a session's items are added up.

    Attributes:
        fade: clicks back after which an item's votes count 1/e.
        again: factor on votes for items that are in the session.
        own: what an item of the session has without votes, beside the session's strongest vote.
        own_fade: clicks back after which that is 1/e.
    """

    fade: float = 2.0
    again: float = 3.0
    own: float = 0.1
    own_fade: float = 4.0


_FADES = (0.1, 0.3, 0.8)
_AGAIN, _OWN = (1.0, 2.0, 4.0), (0.05, 0.15, 0.3, 0.6)


class VotingModel:
    """A table of votes as a graph of plain TensorFlow operations.

    Attributes:
        threshold: None; a ranking decides nothing.
        library_versions: of TensorFlow.
    """

    def __init__(
        self, table: VoteTable, options: ElectionOptions, signature: ModelSignature, length: int
    ) -> None:
        self.threshold: float | None = None
        self.library_versions: Mapping[str, str] = {"tensorflow": tf.__version__}
        self._signature = signature
        self._module = _Election(table, options, signature.outputs[0].shape(1)[1])
        spec = tf.TensorSpec((None, length), tf.int64, signature.input_name)
        self._module.serve = tf.function(self._serve, input_signature=[spec])

    def outputs(self, features: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        """Items and scores, (n, k) each, for sessions (n, length), newest item first."""
        parts = [
            self._module.serve(tf.constant(features[start : start + _SCORE_ROWS], tf.int64))
            for start in range(0, max(len(features), 1), _SCORE_ROWS)
        ]
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

    def save(self, folder: Path) -> None:
        """Writes a SavedModel that gives items and scores for sessions."""
        signatures = {self._signature.signature_name: self._module.serve}
        tf.saved_model.save(self._module, str(folder), signatures=signatures)

    def _serve(self, session: Any) -> dict[str, Any]:
        items, scores = self._module.elected(session)
        first, second = self._signature.outputs
        return {first.tensor: items, second.tensor: scores}


_ELECTIONS = tuple(ElectionOptions(again=again, own=own) for again in _AGAIN for own in _OWN)


class _Election(tf.Module):
    """Adds up votes. Items are named by their place; the place behind the last one is nobody."""

    def __init__(self, table: VoteTable, options: ElectionOptions, top: int) -> None:
        super().__init__()
        size, width = table.voted.shape
        self._nobody, self._options, self._top = size, options, top
        nobody = np.full((1, width), size, np.int32)
        self.items = tf.Variable(np.append(table.items, _BEYOND_ALL), trainable=False)
        self.voted = tf.Variable(np.concatenate([table.voted, nobody]), trainable=False)
        self.votes = tf.Variable(
            np.concatenate([table.votes, np.zeros((1, width), np.float32)]), trainable=False
        )
        popular = np.full(top, size, np.int32)
        popular[: min(top, size)] = table.popular[:top]
        popularity = np.zeros(top, np.float32)
        popularity[: min(top, size)] = _POPULAR_VOTES * table.popularity[:top]
        self.popular = tf.Variable(popular, trainable=False)
        self.popularity = tf.Variable(popularity, trainable=False)

    def elected(self, session: Any) -> tuple[Any, Any]:
        """The items with the most votes and their share of all votes, (n, top) each.

        The number of votes is the same for every catalogue, so the work is too: votes are sorted
        by item and added up there, instead of in a row of the whole catalogue.
        """
        item, votes = self._cast(self._places(session))
        rows, width = tf.shape(item)[0], tf.shape(item)[1]
        order = tf.argsort(item, axis=1)
        item = tf.gather(item, order, batch_dims=1)
        votes = tf.gather(votes, order, batch_dims=1)
        first = tf.concat([tf.ones((rows, 1), tf.bool), item[:, 1:] != item[:, :-1]], axis=1)
        segment = tf.cumsum(tf.cast(tf.reshape(first, [-1]), tf.int32)) - 1
        total = tf.math.unsorted_segment_sum(tf.reshape(votes, [-1]), segment, rows * width)
        total = tf.where(first, tf.reshape(tf.gather(total, segment), (rows, width)), 0.0)
        scores, place = tf.math.top_k(total, self._top)
        item = tf.gather(item, place, batch_dims=1)
        somebody = (scores > 0.0) & (item != self._nobody)
        number = tf.where(somebody, tf.gather(self.items, item), tf.constant(NO_ITEM, tf.int64))
        # The smallest float32 that is no denormal: an election without a vote stays one of zeros.
        everything = tf.maximum(tf.reduce_sum(votes, axis=1, keepdims=True), 1.2e-38)
        return number, tf.where(somebody, scores / everything, 0.0)

    def _places(self, session: Any) -> Any:
        """The places of the session's items, int32 (n, length); unknown ones are nobody."""
        place = tf.searchsorted(self.items, tf.reshape(session, [-1]))
        place = tf.reshape(place, tf.shape(session))
        return tf.where(tf.gather(self.items, place) == session, place, self._nobody)

    def _cast(self, session: Any) -> tuple[Any, Any]:
        """All votes of a session: items and how strongly, (n, length * width + length + top)."""
        options, rows = self._options, tf.shape(session)[0]
        back = tf.range(session.shape[1], dtype=tf.float32)
        newer = np.tri(session.shape[1], k=-1, dtype=np.bool_)
        same = session[:, :, None] == session[:, None, :]
        again = tf.reduce_any(same & newer, axis=2)
        weight = tf.where(again, 0.0, tf.exp(-back / options.fade))
        voted = tf.gather(self.voted, session)
        votes = tf.gather(self.votes, session) * weight[:, :, None]
        strongest = tf.reduce_sum(votes[:, :, 0], axis=1, keepdims=True)
        inside = tf.reduce_any(voted[..., None] == session[:, None, None, :], axis=3)
        votes = tf.where(inside, options.again * votes, votes)
        own = options.own * strongest * tf.exp(-back / options.own_fade)
        own = tf.where(session == self._nobody, 0.0, own)
        flat = (rows, voted.shape[1] * voted.shape[2])
        item = [tf.reshape(voted, flat), session, tf.tile(self.popular[None], (rows, 1))]
        cast = [tf.reshape(votes, flat), own, tf.tile(self.popularity[None], (rows, 1))]
        return tf.concat(item, axis=1), tf.concat(cast, axis=1)


def fit(
    train: Dataset,
    validation: Dataset,
    signature: ModelSignature,
    options: FitOptions,
    on_progress: OnProgress,
) -> VotingModel:
    """Counts the votes of `train`, chooses how to weigh them on `validation`, and counts both.

    How fast votes fade and how often visitors come back to an item differ from shop to shop;
    these two are chosen by P@20 + MRR@20. The options' seed draws the rows for it; there are no
    epochs.

    Raises:
        DataError: nothing in `validation` has a next click.
    """
    length = train.features.shape[1]
    held_out = _sample(validation, options.seed)

    def quality(table: VoteTable, election: ElectionOptions) -> float:
        on_progress("weights", next(done), len(_FADES) + len(_ELECTIONS))
        model = VotingModel(table, election, signature, length)
        places = ranks(
            model.outputs(held_out.features)[signature.outputs[0].tensor], held_out.labels
        )
        return hit_rate(places) + reciprocal_rank(places)

    done = count(1)
    tables = {
        fade: count_votes(train.features, train.times_ms, VoteOptions(fade=fade)) for fade in _FADES
    }
    fade = max(_FADES, key=lambda fade: quality(tables[fade], ElectionOptions()))
    election = max(_ELECTIONS, key=lambda election: quality(tables[fade], election))
    both = Dataset.joined([train, validation])
    table = count_votes(both.features, both.times_ms, VoteOptions(fade=fade))
    return VotingModel(table, election, signature, length)


def _sample(validation: Dataset, seed: int) -> Dataset:
    """Rows that have a next click, not more than are needed for a choice."""
    rows = np.flatnonzero(validation.labels != NO_ITEM)
    if not len(rows):
        raise DataError("the validation part has no click with a next one in its session")
    drawn = np.random.default_rng(seed).permutation(rows)[:_CHOSEN_ON_ROWS]
    chosen = np.zeros(len(validation), np.bool_)
    chosen[drawn] = True
    return validation[chosen]
