"""The tally: who answered what, how well, and how fast."""

from millrace.demo.answers import Answers
from tests.unit.demo.builders import answer, letter, tally, transaction
from udfs.records import Reason


def test_answers_are_counted_by_route_and_version_with_the_truth_of_live_records() -> None:
    counts = tally()
    counts.produced_history(1)
    for number, truth in ((1, True), (2, False), (3, True)):
        counts.produces_live(number, transaction(number), truth)
    counts.predicted(answer(0, decision=True))
    counts.predicted(answer(1, decision=True))
    counts.predicted(answer(2, decision=True, version=1))
    counts.predicted(answer(3, version=1))
    seen = counts.snapshot()
    assert seen.answers == {
        ("fallback:rule", None): Answers(2, 2, live=1, positives=1, caught=1, false_alarms=0),
        ("stable", 1): Answers(2, 1, live=2, positives=1, caught=0, false_alarms=1),
    }
    assert (seen.predictions, seen.waiting, seen.all_alerts) == (4, 0, 3)


def test_alerts_are_of_live_records_only_and_carry_the_record() -> None:
    counts = tally()
    counts.produces_live(1, transaction(1), False)
    counts.predicted(answer(0, decision=True))
    counts.predicted(answer(1, decision=True, version=2))
    shown = [(alert.record, alert.positive) for alert in counts.snapshot().alerts]
    assert shown == [(transaction(1), False)]


def test_dead_letters_are_counted_by_reason_and_cover_their_offset() -> None:
    counts = tally()
    for offset, reason in enumerate((Reason.EMPTY, Reason.SCHEMA, Reason.SCHEMA)):
        counts.refused(letter(offset, reason))
    seen = counts.snapshot()
    assert (seen.reasons, seen.last_letter, counts.answered.missing({0: 3})) == (
        {"schema": 2, "empty": 1},
        letter(2, Reason.SCHEMA),
        0,
    )


def test_a_label_that_is_refused_is_no_answer_to_a_record() -> None:
    counts = tally()
    counts.refused(letter(0, Reason.LABEL_UNMATCHED, "fraud.labels"))
    seen = counts.snapshot()
    told = (seen.refused_labels, seen.dead_letters, counts.answered.total)
    assert told == (1, 0, 0)


def test_a_latency_is_kept_once_the_history_is_through_and_a_model_answers() -> None:
    counts = tally()
    for number in range(2):
        counts.produces_live(number, transaction(number), False)
    counts.predicted(answer(0))
    counts.produces_live(2, transaction(2), False)
    counts.predicted(answer(1, version=1))
    counts.predicted(answer(2, version=1))
    seen = counts.snapshot()
    assert (seen.steady_model_answers, len(counts.model_latencies_ms())) == (1, 1)
    assert seen.first_model_s is not None


def test_what_was_really_sent_replaces_what_was_about_to_be_sent() -> None:
    counts = tally()
    counts.produces_live(1, transaction(1), False)
    counts.produces_live(2, transaction(2), False)
    counts.correct_live(1, 1)
    seen = counts.snapshot()
    assert (seen.live, seen.malformed) == (1, 1)
