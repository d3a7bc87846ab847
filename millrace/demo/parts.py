"""Threads of the demo: they end when they are told to, and their failures are not lost."""

from threading import Thread

from udfs.errors import MillraceError


class Part:
    """Work in a thread of its own.

    Attributes:
        name: what it is, for messages.
        error: what ended it, None while all is well.
    """

    def __init__(self, name: str) -> None:
        """Starts nothing."""
        self.name = name
        self.error: Exception | None = None
        # A daemon: a broker that is gone must not hold the command back by a client's waits.
        self._thread = Thread(target=self._run, name=f"demo {name}", daemon=True)

    def start(self) -> None:
        """Starts the work."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the work to end."""
        raise NotImplementedError

    def work(self) -> None:
        """Does the work."""
        raise NotImplementedError

    def join(self, deadline_s: float) -> bool:
        """True when the work has ended, or was never started."""
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raises what ended the work."""
        if isinstance(self.error, MillraceError):
            raise self.error
        if self.error is not None:
            raise RuntimeError(f"the {self.name} failed: {self.error}") from self.error

    def _run(self) -> None:
        try:
            self.work()
        except Exception as error:  # raised again in the main thread, by `check`
            self.error = error
