"""A shard's store in memory, in place of Flink's MapState."""


class DictStore(dict[str, bytes]):
    """Keeps the entries of a shard."""

    def put(self, key: str, value: bytes, /) -> None:
        """Stores an entry."""
        self[key] = value

    def remove(self, key: str, /) -> None:
        """Drops an entry."""
        del self[key]
