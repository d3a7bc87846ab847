"""Labels that came before their records, kept with their bytes until they find them."""

from collections.abc import Iterable, Mapping

import msgspec

from udfs.features.log import Store

_NAME = "early"


class Waiting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A label whose record is not known yet, and where it came from."""

    business_id: int
    label: int
    known_ms: int
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class EarlyLabels:
    """Waiting labels by business id, durable in chunks; a chunk is the labels of one block.

    Args:
        store: where chunks live, as entries `early/<number>`.
        entries: all entries of the store, when a worker starts.
    """

    def __init__(self, store: Store, entries: Mapping[str, bytes]) -> None:
        self._store = store
        self._chunks: dict[int, list[Waiting]] = {}
        self._found: dict[int, list[tuple[int, Waiting]]] = {}
        prefix = f"{_NAME}/"
        numbers = sorted(int(key[len(prefix) :]) for key in entries if key.startswith(prefix))
        self._next = numbers[-1] + 1 if numbers else 0
        for number in numbers:
            chunk = msgspec.msgpack.decode(entries[f"{prefix}{number}"], type=list[Waiting])
            self._keep(number, chunk)

    def __len__(self) -> int:
        """The number of labels that wait."""
        return sum(map(len, self._chunks.values()))

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest one became known; None when none waits."""
        return min((w.known_ms for chunk in self._chunks.values() for w in chunk), default=None)

    def add(self, labels: list[Waiting]) -> None:
        """Keeps the labels of a block."""
        if labels:
            number, self._next = self._next, self._next + 1
            self._keep(number, labels)
            self._put(number)

    def take(self, business_ids: Iterable[int]) -> list[Waiting]:
        """Gives the labels of these records, in order of arrival for each, and forgets them."""
        found = self._found
        if not found:
            return []
        taken = [pair for one in found.keys() & set(business_ids) for pair in found.pop(one)]
        self._remove(taken)
        return [waiting for _, waiting in taken]

    def expire(self, floor_ms: int) -> list[Waiting]:
        """Gives those that became known at or before the floor, and forgets them."""
        taken = [
            (number, waiting)
            for number, chunk in self._chunks.items()
            for waiting in chunk
            if waiting.known_ms <= floor_ms
        ]
        for pair in taken:
            one = pair[1].business_id
            rest = [other for other in self._found.pop(one) if other[1] is not pair[1]]
            if rest:
                self._found[one] = rest
        self._remove(taken)
        return [waiting for _, waiting in taken]

    def _keep(self, number: int, labels: list[Waiting]) -> None:
        self._chunks[number] = labels
        for waiting in labels:
            self._found.setdefault(waiting.business_id, []).append((number, waiting))

    def _remove(self, taken: list[tuple[int, Waiting]]) -> None:
        gone = {id(waiting) for _, waiting in taken}
        for number in {number for number, _ in taken}:
            self._chunks[number] = [w for w in self._chunks[number] if id(w) not in gone]
            self._put(number)

    def _put(self, number: int) -> None:
        key, chunk = f"{_NAME}/{number}", self._chunks[number]
        if chunk:
            self._store.put(key, msgspec.msgpack.encode(chunk))
        else:
            del self._chunks[number]
            self._store.remove(key)
