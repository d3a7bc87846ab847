"""The fraud generator: the same world by seed, in order, with fraud of every kind."""

from itertools import islice, pairwise

import numpy as np
import pytest

from udfs.use_cases.fraud_world import (
    COMPROMISED_CUSTOMER,
    COMPROMISED_TERMINAL,
    HONEST,
    LARGE_AMOUNT,
    Purchases,
    World,
    generate,
    history,
    live,
)

DAY_MS = 86_400_000
START_MS = 1_700_006_400_000
WORLD = World(seed=7, customers=2_000, terminals=4_000)


def purchases(world: World = WORLD, *, days: int = 40, count: int = 160_000) -> Purchases:
    blocks = list(history(world, START_MS, count, days * DAY_MS))
    return Purchases(
        *(
            np.concatenate([getattr(block, name) for block in blocks])
            for name in Purchases.__dataclass_fields__
        )
    )


def test_the_same_seed_gives_the_same_records() -> None:
    assert list(generate(3, START_MS, 500, DAY_MS)) == list(generate(3, START_MS, 500, DAY_MS))


def test_another_seed_gives_other_records() -> None:
    assert list(generate(3, START_MS, 500, DAY_MS)) != list(generate(4, START_MS, 500, DAY_MS))


@pytest.mark.parametrize("count", [0, 1, 777, 5_000])
@pytest.mark.parametrize("span_ms", [1, 3_600_000, DAY_MS, 9 * DAY_MS + 12_345])
def test_count_and_span_are_kept(count: int, span_ms: int) -> None:
    start_ms = START_MS + 5_000_000
    times = [record.event_time_ms for record, _ in generate(1, start_ms, count, span_ms)]
    assert len(times) == count
    assert times == sorted(times)
    assert all(start_ms <= time < start_ms + span_ms for time in times)


def test_ids_are_unique_and_increasing() -> None:
    ids = [record.transaction_id for record, _ in generate(1, START_MS, 5_000, 3 * DAY_MS)]
    assert all(after > before for before, after in pairwise(ids))


def test_nights_are_quieter_than_days() -> None:
    hour = purchases().event_time_ms % DAY_MS // 3_600_000
    assert 5 * np.mean((hour >= 1) & (hour < 5)) < np.mean((hour >= 11) & (hour < 15))


def test_a_fitting_world_has_two_purchases_a_customer_and_day() -> None:
    customers = {record.customer_id for record, _ in generate(1, START_MS, 20_000, 10 * DAY_MS)}
    assert 950 < len(customers) <= 1_000


def test_fraud_share_is_plausible() -> None:
    share = np.mean(purchases().scenario != HONEST)
    assert 0.003 < share < 0.03


@pytest.mark.parametrize("scenario", [LARGE_AMOUNT, COMPROMISED_TERMINAL, COMPROMISED_CUSTOMER])
def test_every_scenario_is_present(scenario: int) -> None:
    assert np.sum(purchases().scenario == scenario) > 50


def test_only_fraud_has_large_amounts() -> None:
    made = purchases()
    large = made.amount_cents > 22_001
    assert np.sum(large) > 50
    assert np.all(made.scenario[large] != HONEST)


def test_all_payments_at_a_compromised_terminal_are_fraud() -> None:
    made = purchases()
    day = made.event_time_ms // DAY_MS
    struck = np.zeros(len(day), dtype=bool)
    for one in np.unique(day):
        struck |= (day == one) & WORLD.compromised_terminals(int(one))[made.terminal_id]
    assert np.sum(struck) > 50
    assert np.all(made.scenario[struck] != HONEST)
    assert np.all(made.scenario[~struck] != COMPROMISED_TERMINAL)


def test_a_compromise_lasts_four_weeks_at_a_terminal_and_two_at_a_customer() -> None:
    days = range(19_000, 19_100)
    terminals = sum(WORLD.compromised_terminals(day).astype(int) for day in days)
    customers = sum(WORLD.compromised_customers(day).astype(int) for day in days)
    assert np.bincount(terminals)[1:].argmax() + 1 == 28
    assert np.bincount(customers)[1:].argmax() + 1 == 14


def test_a_third_of_a_compromised_customers_payments_are_fraud_at_a_multiple() -> None:
    made = purchases()
    day = made.event_time_ms // DAY_MS
    leaked = np.zeros(len(day), dtype=bool)
    for one in np.unique(day):
        leaked |= (day == one) & WORLD.compromised_customers(int(one))[made.customer_id]
    stolen = made.scenario == COMPROMISED_CUSTOMER
    mean = WORLD.habits[made.customer_id, 0]
    assert np.all(leaked[stolen])
    assert 0.28 < np.mean(stolen[leaked]) < 0.38
    assert 4.5 < np.mean(made.amount_cents[stolen] / mean[stolen]) < 5.5


def test_customers_are_the_same_people_in_a_larger_world() -> None:
    larger = World(seed=7, customers=6_000, terminals=12_000)
    assert np.array_equal(larger.habits[:2_000], WORLD.habits)
    day = START_MS // DAY_MS
    ours, theirs = WORLD.compromised_customers(day), larger.compromised_customers(day)
    assert np.array_equal(theirs[:2_000], ours)


def test_customers_buy_at_the_terminals_within_reach() -> None:
    made = purchases()
    busiest = np.bincount(made.customer_id).argmax()
    visited = np.unique(made.terminal_id[made.customer_id == busiest])
    assert 20 < len(visited) <= WORLD.plane.ends[busiest, -1]


def test_live_traffic_has_the_rate_and_goes_on_with_ids_and_people() -> None:
    made = list(islice(live(WORLD.seed, START_MS, 100.0, customers=2_000), 10_000))
    records = [record for record, _ in made]
    times = [record.event_time_ms for record in records]
    ids = [record.transaction_id for record in records]
    assert times == sorted(times)
    assert 95_000 < times[-1] - START_MS < 105_000
    assert ids == list(range(ids[0], ids[0] + 10_000))
    honest = [record for record, fraud in made if not fraud]
    means = WORLD.habits[[record.customer_id for record in honest], 0]
    assert 0.95 < np.mean([record.amount_cents for record in honest] / means) < 1.05


def test_an_impossible_history_is_refused() -> None:
    with pytest.raises(ValueError, match="positive span"):
        list(generate(1, START_MS, 10, 0))
