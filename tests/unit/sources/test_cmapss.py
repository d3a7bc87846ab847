"""C-MAPSS files become readings with the cycles left; faults in them are told in a sentence."""

import gzip
from pathlib import Path

import pytest

from millrace.sources.cmapss import find_subsets, labelled, test_engines
from udfs.errors import ConfigurationError, DataError, MillraceError

LINE = "{unit} {cycle} 10.0 0.25 100.0 " + " ".join(f"{place}.5" for place in range(21)) + "  \n"
# Not collected as tests of their own.
engines_of_the_test = test_engines
del test_engines


def lines(*engines: tuple[int, int]) -> str:
    return "".join(
        LINE.format(unit=unit, cycle=cycle)
        for unit, last in engines
        for cycle in range(1, last + 1)
    )


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        with gzip.open(folder / f"{name}.txt.gz", "wt") as file:
            file.write(text)
    return folder


def test_each_training_engine_is_labelled_back_from_its_failure(tmp_path: Path) -> None:
    found = list(labelled(written(tmp_path, train_FD001=lines((1, 3), (2, 2)))))
    assert [(r.unit_id, r.cycle, left) for r, left in found] == [
        (1001, 1, 2.0),
        (1001, 2, 1.0),
        (1001, 3, 0.0),
        (1002, 1, 1.0),
        (1002, 2, 0.0),
    ]
    assert (found[0][0].settings, found[0][0].sensors[20]) == ([10.0, 0.25, 100.0], 20.5)


def test_cycles_are_two_seconds_apart_and_all_subsets_go_on_in_time(tmp_path: Path) -> None:
    files = {"train_FD001": lines((1, 3)), "train_FD002": lines((1, 2))}
    found = [reading for reading, _ in labelled(written(tmp_path, **files))]
    times = [reading.event_time_ms for reading in found]
    assert times == sorted(times)
    assert (times[1] - times[0], times[3] - times[2] > 3_600_000) == (2_000, True)
    assert len({reading.reading_id for reading in found}) == 5


def test_a_test_engine_has_the_cycles_of_the_third_file_left_after_its_last(tmp_path: Path) -> None:
    folder = written(tmp_path, train_FD001="", test_FD001=lines((1, 2), (2, 1)), RUL_FD001="9\n4\n")
    (subset,) = find_subsets(folder)
    assert [left for _, left in engines_of_the_test(subset)] == [10.0, 9.0, 4.0]


def test_plain_files_in_a_folder_cmapss_are_found(tmp_path: Path) -> None:
    (tmp_path / "cmapss").mkdir()
    (tmp_path / "cmapss" / "train_FD004.txt").write_text(lines((1, 1)))
    assert [subset.name for subset in find_subsets(tmp_path)] == ["FD004"]
    assert len(list(labelled(tmp_path))) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 1 2\n", "does not hold rows of 26 numbers"),
        ("", "does not hold rows"),
        ("1 one\n", "cannot be read"),
        (lines((2, 1), (1, 1)), "not in the order"),
        (LINE.format(unit=1, cycle=2) + LINE.format(unit=1, cycle=4), "not in the order"),
        (LINE.format(unit=1, cycle="nan"), "does not hold rows of 26 numbers"),
    ],
    ids=["too narrow", "empty", "no number", "engines", "cycles", "nan"],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        list(labelled(written(tmp_path, train_FD001=text)))


@pytest.mark.parametrize("files", [{}, {"test_FD001": lines((1, 1))}], ids=["nothing", "no train"])
def test_a_folder_without_training_engines_is_refused(
    tmp_path: Path, files: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"no train_FD001\.txt\.gz"):
        list(labelled(written(tmp_path, **files)))


def test_lives_that_are_missing_or_too_few_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path, train_FD001=lines((1, 1)), test_FD001=lines((1, 1), (2, 1)))
    (subset,) = find_subsets(folder)
    with pytest.raises(MillraceError, match=r"no RUL_FD001\.txt"):
        list(engines_of_the_test(subset))
    written(folder, RUL_FD001="4\n")
    with pytest.raises(DataError, match="has 1 engines, the test 2"):
        list(engines_of_the_test(subset))
