"""The Flink environment of a job, from its options."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.pyflink_gateway_server import get_jvm_opts, prepare_environment_variables

from jobs.stages.jvm import share_jars
from jobs.targets import Target
from millrace.network_buffers import NETWORK_BUFFERS
from millrace.plain_path import worker_python

MAX_PARALLELISM = 128
_WORKERS_AS_PROCESSES = "_python_worker_execution_mode"
_JAVA_OPTIONS = "FLINK_ENV_JAVA_OPTS"
_COLLECTOR = "-XX:+UseParallelGC"
# After how many calls and turns of loops the second compiler takes a method; 13 to 83 times the
# defaults.
_COMPILER = [
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=50000",
    "-XX:Tier4CompileThreshold=200000",
]


def environment(
    name: str,
    *,
    parallelism: int,
    target: Target,
    checkpoint_dir: str,
    state_backend: str,
    jars: Sequence[Path] = (),
    overrides: Mapping[str, str] | None = None,
) -> StreamExecutionEnvironment:
    """An environment with exactly-once checkpoints, set for work on blocks.

    Args:
        name: the job's name in Flink's interface.
        parallelism: subtasks of every stage.
        target: what the job is tuned for.
        checkpoint_dir: URI that client and cluster reach.
        state_backend: `rocksdb` (incremental checkpoints) or `hashmap`.
        jars: JARs to ship with the job; empty where the cluster has them.
        overrides: Flink configuration that goes over all of this; an empty value unsets.
    """
    # Without it the mini-cluster runs the workers as threads of this process, under one GIL.
    os.environ[_WORKERS_AS_PROCESSES] = "process"
    options = _options(name, target, checkpoint_dir, state_backend)
    if jars:
        tune_jvm()
        options["pipeline.jars"] = ";".join(jar.resolve().as_uri() for jar in jars)
        options["python.executable"] = options["python.client.executable"] = worker_python()
    configuration = Configuration()
    for key, value in {**options, **(overrides or {})}.items():
        if value:
            configuration.set_string(key, value)
    env = StreamExecutionEnvironment.get_execution_environment(configuration)
    if jars:
        share_jars()
    env.set_parallelism(parallelism)
    env.set_max_parallelism(MAX_PARALLELISM)
    return env


def tune_jvm() -> None:
    """Chooses collector and compiler of the JVM that PyFlink starts for this process.

    What somebody chose stays. Blocks of a megabyte come and go: G1 costs a job with labels a
    twelfth of its rate. And what runs once a block need not be compiled well, which takes a tenth
    of two cores for minutes; what runs once a record passes these thresholds in seconds.
    """
    found = dict(os.environ)
    prepare_environment_variables(found)
    java_options = get_jvm_opts(found)
    chosen = " ".join([*java_options, found.get("JDK_JAVA_OPTIONS", "")])
    more = [] if "GC" in chosen else [_COLLECTOR]
    more += [] if "Tier" in chosen else _COMPILER
    if more:
        os.environ[_JAVA_OPTIONS] = " ".join([*java_options, *more])


def _options(name: str, target: Target, checkpoint_dir: str, state_backend: str) -> dict[str, str]:
    return {
        "pipeline.name": name,
        "pipeline.object-reuse": "true",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": f"{target.checkpoint_interval_ms} ms",
        "execution.checkpointing.timeout": "2 min",
        "execution.checkpointing.dir": checkpoint_dir,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.incremental": "true",
        "state.backend.type": state_backend,
        # State is small and written once: packing it costs more than its bytes.
        "state.backend.rocksdb.compression.per.level": "NO_COMPRESSION",
        # Levels would write all of it again for every few checkpoints; this does so seldom.
        "state.backend.rocksdb.compaction.style": "UNIVERSAL",
        # For the mini-cluster; on a cluster these are the TaskManager's own.
        **NETWORK_BUFFERS,
        # Elements are blocks: waiting for a network buffer to fill would only add latency.
        "execution.buffer-timeout.interval": "0 ms",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        "python.fn-execution.bundle.size": str(target.bundle_blocks),
        "python.fn-execution.bundle.time": str(target.bundle_ms),
        # Chunks are written once and read back only at a start: no cache is of use.
        "python.map-state.read-cache-size": "1",
        "python.map-state.write-cache-size": "10000",
    }
