"""For all tests: what Ctrl-C means, and which tests need data that not everybody has."""

import os
import signal

import pytest

# A shell starts background jobs with SIGINT ignored, which every process that a test starts would
# inherit: tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out tests of the handbook's own figures when its files are not named."""
    if os.environ.get("MILLRACE_DATA"):
        return
    without = [item for item in items if item.get_closest_marker("needs_data")]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]
