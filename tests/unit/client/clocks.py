"""A clock that tests move by hand."""


class HandClock:
    """Seconds that grow when a test says so.

    Attributes:
        now_s: what the clock shows.
    """

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s

    def pass_s(self, seconds: float) -> None:
        """Lets time pass."""
        self.now_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Lets time pass, in place of `asyncio.sleep`."""
        self.pass_s(seconds)
