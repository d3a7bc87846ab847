"""Items that a thread makes while those before them are being used."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")


class _End:
    """Stands for the end of the items."""


_END: Final = _End()


def ahead(items: Generator[Item, None, None], depth: int) -> Generator[Item, None, None]:
    """The items in their order, up to `depth` of them made in a thread before they are asked for.

    It helps where one of the two sides computes without Python's lock, as numpy and pyarrow do.
    An error comes out where the item would have come. When the iterator is closed, or an
    interrupt ends it, the item in the making is finished, no other one is begun, and the items
    are closed.

    >>> list(ahead((number * number for number in range(4)), depth=2))
    [0, 1, 4, 9]
    """
    pool = ThreadPoolExecutor(1, "ahead")
    try:
        coming = deque(pool.submit(next, items, _END) for _ in range(depth))
        while not isinstance(item := coming.popleft().result(), _End):
            coming.append(pool.submit(next, items, _END))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
        items.close()
