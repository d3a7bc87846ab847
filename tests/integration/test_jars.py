"""Java classes of our JAR from Python: told when they are missing, found by every thread."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, threading
from jobs.environment import environment
from jobs.stages.jvm import blocks
from jobs.targets import TARGETS
from millrace.stack.jars import ensure_flink_jars
from pyflink.java_gateway import get_gateway
from udfs.errors import EnvironmentFault

def found():
    try:
        return blocks().VERSION > 0
    except EnvironmentFault as fault:
        return str(fault)

print(found())
environment("test", parallelism=1, target=TARGETS["balanced"], checkpoint_dir="file:///nowhere",
            state_backend="hashmap", jars=ensure_flink_jars())
print(found())

# Another thread is in a call meanwhile, so that this one gets a connection of its own.
java = get_gateway().jvm.java.util.concurrent
inside, done = java.CountDownLatch(1), java.CountDownLatch(1)

def busy():
    inside.countDown()
    getattr(done, "await")()

thread = threading.Thread(target=busy)
thread.start()
getattr(inside, "await")()
print(found())
done.countDown()
thread.join()
"""


def test_classes_are_told_missing_and_then_found_by_every_connection(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    missing = "the JAR millrace-flink-blocks is not on Flink's class path: run `make jars`, or "
    told = done.stdout.splitlines()
    assert [line.startswith(missing) for line in told[:1]] == [True], done.stderr
    assert told[1:] == ["True", "True"], done.stderr
