"""The votes of a small shop, counted by hand and by the model; sessions of every odd kind."""

from collections import defaultdict
from math import exp, log1p

import numpy as np
import pytest
from numpy.typing import NDArray

from training.dataset import Dataset
from training.models.fitted import FitOptions
from training.models.recommendation import ElectionOptions, VotingModel, fit
from training.models.votes import VoteOptions, VoteTable, count_votes
from training.progress import silent
from udfs.errors import DataError
from udfs.use_cases.recommendation import LENGTH, RECOMMENDATION, TOP

OPTIONS, ELECTION = VoteOptions(), ElectionOptions()

Session = list[int]


def rows_of(sessions: list[Session]) -> NDArray[np.int64]:
    """A row a click, as the fold gives them."""
    rows = []
    for session in sessions:
        for end in range(1, len(session) + 1):
            last = session[:end][::-1][:LENGTH]
            rows.append(last + [-1] * (LENGTH - len(last)))
    return np.array(rows, np.int64).reshape(-1, LENGTH)


def table_of(sessions: list[Session]) -> VoteTable:
    rows = rows_of(sessions)
    return count_votes(rows, np.arange(len(rows)), OPTIONS)


def answers(table: VoteTable, sessions: list[Session]) -> tuple[list[list[int]], list[list[float]]]:
    model = VotingModel(table, ELECTION, RECOMMENDATION.model, LENGTH)
    rows = np.full((len(sessions), LENGTH), -1, np.int64)
    for row, session in zip(rows, sessions, strict=True):
        row[: len(session)] = session[::-1][:LENGTH]
    found = model.outputs(rows)
    return found["items"].tolist(), found["scores"].tolist()


def random_sessions(seed: int, count: int, items: int) -> list[Session]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, items, draw.integers(1, 9)).tolist() for _ in range(count)]


def votes_by_hand(sessions: list[Session]) -> dict[int, dict[int, float]]:
    """What each item says of each, by the definition of the options."""
    votes: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    clicks = sum(map(len, sessions))
    time = 0
    for session in sessions:
        for at, item in enumerate(session):
            age = exp((time - clicks + 1) / (OPTIONS.fade * (clicks - 1)))
            votes[item][item] += OPTIONS.itself * age
            for back in range(1, min(at, LENGTH - 1) + 1):
                before = session[at - back]
                votes[before][item] += age * exp(-(back - 1) / OPTIONS.onward)
                votes[item][before] += OPTIONS.back * age * exp(-(back - 1) / OPTIONS.backward)
            time += 1
    strongest = 0.0
    for item, said in votes.items():
        having = sum(item in session for session in sessions)
        total = sum(said.values())
        for other, vote in said.items():
            rare = log1p(len(sessions) / having) ** OPTIONS.rarity
            said[other] = rare * (vote / total**OPTIONS.spread) ** OPTIONS.power
            strongest = max(strongest, said[other])
    return {i: {j: vote / strongest for j, vote in said.items()} for i, said in votes.items()}


def elected_by_hand(votes: dict[int, dict[int, float]], session: Session) -> dict[int, float]:
    """The shares of all items with votes, for a session of known items."""
    total: dict[int, float] = defaultdict(float)
    strongest = 0.0
    newest_first = session[::-1][:LENGTH]
    for back, item in enumerate(newest_first):
        if item in newest_first[:back]:
            continue
        weight = exp(-back / ELECTION.fade)
        strongest += weight * max(votes[item].values())
        for other, vote in votes[item].items():
            total[other] += weight * vote * (ELECTION.again if other in newest_first else 1.0)
    for back, item in enumerate(newest_first):
        total[item] += ELECTION.own * strongest * exp(-back / ELECTION.own_fade)
    everything = sum(total.values())
    return {item: vote / everything for item, vote in total.items()}


def test_the_graph_elects_what_the_definition_does() -> None:
    shop = random_sessions(1, 60, items=15)
    asked = random_sessions(2, 40, items=15)
    by_hand = votes_by_hand(shop)
    items, scores = answers(table_of(shop), asked)
    for session, found, shares in zip(asked, items, scores, strict=True):
        expected = elected_by_hand(by_hand, session)
        voted = {item: share for item, share in zip(found, shares, strict=True) if share > 1e-7}
        assert voted == pytest.approx(expected, rel=1e-4)
        assert shares == sorted(shares, reverse=True)


def test_what_follows_is_ranked_before_all_other_items() -> None:
    items, _ = answers(table_of([[1, 2], [3, 4]] * 20), [[1], [3]])
    others = [
        [item for item in row if item not in (clicked, -1)]
        for row, clicked in zip(items, (1, 3), strict=True)
    ]
    assert [row[0] for row in others] == [2, 4]


def test_unknown_items_are_passed_over() -> None:
    table = table_of([[1, 2, 5], [3, 4]] * 20)
    known, mixed = answers(table, [[1]])[0][0], answers(table, [[777, 1, 2**53]])[0][0]
    assert set(known) == set(mixed) == {1, 2, 3, 4, 5, -1}
    assert 777 not in mixed


def test_a_session_of_unknown_items_only_gets_what_is_popular() -> None:
    items, scores = answers(table_of([[1, 2], [1, 3], [1]] * 5), [[99]])
    assert items[0][:4] == [1, 3, 2, -1]
    assert sum(scores[0]) == pytest.approx(1.0)


def test_the_whole_catalogue_is_ranked_when_it_is_small() -> None:
    items, scores = answers(table_of([[1, 2], [3], [4]]), [[1]])
    assert sorted(items[0]) == [-1] * (TOP - 4) + [1, 2, 3, 4]
    assert all(
        (item == -1) == (score == 0.0) for item, score in zip(items[0], scores[0], strict=True)
    )


def test_an_empty_catalogue_gives_no_item() -> None:
    empty = count_votes(np.zeros((0, LENGTH), np.int64), np.zeros(0, np.int64), OPTIONS)
    assert answers(empty, [[1, 2]]) == ([[-1] * TOP], [[0.0] * TOP])


def test_no_rows_give_no_answers() -> None:
    model = VotingModel(table_of([[1, 2]]), ELECTION, RECOMMENDATION.model, LENGTH)
    found = model.outputs(np.zeros((0, LENGTH), np.int64))
    assert {name: values.shape for name, values in found.items()} == {
        "items": (0, TOP),
        "scores": (0, TOP),
    }


def data_set(sessions: list[Session]) -> Dataset:
    rows = rows_of(sessions)
    labels = [label for session in sessions for label in [*session[1:], -1]]
    at = np.arange(len(rows))
    return Dataset(rows, np.array(labels, np.int64), at, at, at)


def test_clicks_of_the_validation_part_vote_too() -> None:
    train, validation = data_set([[1, 2]] * 30), data_set([[3, 4]] * 30)
    model = fit(train, validation, RECOMMENDATION.model, FitOptions(1, 1), silent)
    assert model.outputs(rows_of([[3]]))["items"][0, 0] == 4


def test_a_validation_part_of_single_clicks_is_refused() -> None:
    with pytest.raises(DataError, match="no click with a next one"):
        fit(
            data_set([[1, 2]]),
            data_set([[1], [2]]),
            RECOMMENDATION.model,
            FitOptions(1, 1),
            silent,
        )
