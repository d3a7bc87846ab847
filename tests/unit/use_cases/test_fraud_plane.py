"""Who shops where on the generator's plane."""

import numpy as np
import pytest

from udfs.use_cases.fraud_plane import Plane


def reach_of(plane: Plane, customer: int) -> set[int]:
    draws = np.linspace(0, 1, 5_000, endpoint=False)
    return set(plane.terminals(np.full(5_000, customer), draws).tolist())


@pytest.mark.parametrize("terminals", [3, 50, 2_000])
def test_reach_is_all_terminals_in_the_cells_around_home(terminals: int) -> None:
    rng = np.random.default_rng(terminals)
    homes, places = rng.random((30, 2)), rng.random((terminals, 2))
    plane = Plane.of(homes, places)
    side = max(int(np.sqrt(terminals * 9 / 80)), 1)
    for customer, home in enumerate(homes):
        apart = np.abs((home * side).astype(int) - (places * side).astype(int)).max(axis=1)
        assert reach_of(plane, customer) == set(np.flatnonzero(apart <= 1).tolist())


def test_a_customer_with_nothing_in_reach_shops_somewhere() -> None:
    homes, places = np.array([[0.99, 0.99]]), np.full((400, 2), 0.01)
    assert len(reach_of(Plane.of(homes, places), 0)) == 1


def test_about_eighty_terminals_are_in_reach_whatever_the_size() -> None:
    rng = np.random.default_rng(1)
    for terminals in (10_000, 100_000):
        plane = Plane.of(rng.random((500, 2)), rng.random((terminals, 2)))
        assert 70 < np.mean(plane.ends[:, -1]) < 90
