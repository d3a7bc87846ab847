"""`millrace model-server`: a model server with TensorFlow Serving's API."""

from millrace.model_server import command


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or Ctrl-C; the exit status is 0 after a clean end.

    Args:
        argv: flags as TensorFlow Serving names them, such as `--port=8500`.
    """
    return command.main(argv)
