"""What an endpoint remembers of requests, within bounds."""

from millrace.ingest.receipts import Receipt, Receipts


def receipt(time_ms: int) -> Receipt:
    return Receipt("digest", 1, 0, None, time_ms)


def test_the_oldest_are_forgotten_beyond_the_limit() -> None:
    receipts = Receipts({}, keep_ms=1_000, most=2)
    for n in range(4):
        receipts.add(str(n), receipt(n))
    assert list(receipts.forget(now_ms=4)) == ["0", "1"]
    assert [receipts.get(str(n), 4) is None for n in range(4)] == [True, True, False, False]


def test_a_request_that_comes_again_after_its_time_counts_as_new() -> None:
    receipts = Receipts({"a": receipt(0), "b": receipt(5)}, keep_ms=10)
    receipts.add("a", receipt(12))
    assert list(receipts.forget(now_ms=15)) == ["b"]
    assert receipts.get("a", 15) == receipt(12)
