"""What the server tells whoever counts: requests, times, loads."""

from grpc import StatusCode


class Observer:
    """Is told what happens and does nothing with it; metrics extend it.

    Methods are called from several threads at once and have to return at once.
    """

    def requested(self, model_name: str, code: StatusCode) -> None:
        """A request for a prediction ended with a status."""

    def answered(self, model_name: str, api: str, entrypoint: str, microseconds: float) -> None:
        """A request was answered; `api` is such as `Predict`, `entrypoint` GRPC or REST."""

    def ran(self, model_name: str, api: str, microseconds: float) -> None:
        """The runtime ran a model for a request."""

    def examples(self, model_name: str, count: int) -> None:
        """A request carried so many tf.Examples."""

    def loaded(self, model_name: str, version: int, microseconds: float) -> None:
        """A version was loaded."""

    def load_failed(self, model_name: str, version: int) -> None:
        """A version could not be loaded."""

    def warmed_up(self, model_name: str, version: int, records: int, microseconds: float) -> None:
        """A version ran the warm-up requests beside it."""

    def batched(self, model_name: str, rows: int, padding: int) -> None:
        """A batch of so many rows ran, and of so many more to an allowed size."""
