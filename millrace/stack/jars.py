"""The JARs that Flink and the local broker need, built by Maven when they are missing or stale."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from millrace.stack.java import compiler_command, java_command, maven_command
from udfs.errors import EnvironmentFault

_STAMP = ".millrace-stamp"
_LOG = "maven.log"


@dataclass(frozen=True)
class Jars:
    """Where the built JARs are.

    Attributes:
        connector: Flink's Kafka SQL connector with everything it needs.
        blocks: our Java module for Flink.
        kafka: directory of the broker's JARs.
    """

    connector: Path
    blocks: Path
    kafka: Path

    @property
    def flink(self) -> tuple[Path, ...]:
        """What a Flink job has to be given."""
        return (self.connector, self.blocks)

    @property
    def kafka_classpath(self) -> str:
        """Java class path of the broker."""
        return kafka_classpath(self.kafka)


def kafka_classpath(directory: Path) -> str:
    """Java class path of a directory of JARs; the JVM expands the star itself."""
    return f"{directory}/*"


def ensure_jars() -> Jars:
    """All JARs, built first when that is necessary.

    Raises:
        EnvironmentFault: no JDK or Maven, or Maven failed.
    """
    connector, blocks = ensure_flink_jars()
    return Jars(connector, blocks, ensure_kafka_jars())


def ensure_kafka_jars() -> Path:
    """Directory of the broker's JARs, built first when that is necessary."""
    return built(deploy_root() / "kafka") / "lib"


def ensure_flink_jars() -> tuple[Path, Path]:
    """Flink's Kafka connector and our module for Flink, built first when that is necessary."""
    target = built(deploy_root() / "flink")
    connectors = sorted((target / "lib").glob("flink-sql-connector-kafka*.jar"))
    blocks = target / "millrace-flink-blocks.jar"
    if not connectors or not blocks.exists():
        raise EnvironmentFault(
            f"Maven finished but {target} lacks the Kafka connector or {blocks.name}; "
            f"remove {target} and try again"
        )
    return connectors[-1], blocks


def ensure_archive_jars() -> tuple[Path, ...]:
    """What the job `archive` has to be given: those of every job, and what writes Parquet."""
    flink = ensure_flink_jars()
    parquet = sorted((deploy_root() / "flink" / "target" / "parquet").glob("*.jar"))
    if not parquet:
        raise EnvironmentFault(
            f"Maven finished but {deploy_root() / 'flink' / 'target'} lacks the JARs of Parquet; "
            "remove it and try again"
        )
    return (*flink, *parquet)


def deploy_root() -> Path:
    """Writable directory with the poms and Java sources.

    In a checkout this is `deploy/`. An installed wheel carries a copy, which may lie where the
    user cannot write, so it is built in the user's cache.
    """
    checkout = Path(__file__).resolve().parents[2] / "deploy"
    if (checkout / "kafka" / "pom.xml").exists():
        return checkout
    packaged = Path(__file__).resolve().parents[1] / "_deploy"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "millrace"
    copy = cache / sources_digest(packaged)[:12]
    if not copy.exists():
        shutil.copytree(packaged, copy, dirs_exist_ok=True)
    return copy


def sources_digest(module: Path) -> str:
    """Digest of what a build reads: the pom and everything under src, by path and content."""
    digest = hashlib.sha256()
    for path in sorted(module.rglob("*")):
        inside = path.relative_to(module)
        if path.is_file() and "target" not in inside.parts and path.suffix in {".xml", ".java"}:
            digest.update(f"{inside}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def built(module: Path) -> Path:
    """The target directory of a folder with a pom, built first when that is necessary."""
    target = module / "target"
    if is_current(module):
        return target
    if not (module / "pom.xml").exists():
        raise EnvironmentFault(f"{module / 'pom.xml'} is missing: this installation is incomplete")
    java_command()
    compiler_command()
    target.mkdir(parents=True, exist_ok=True)
    with _locked(target / ".millrace-lock"):
        if not is_current(module):  # another process may have built it while this one waited
            digest = sources_digest(module)
            _run_maven(module, target / _LOG)
            (target / _STAMP).write_text(digest)
    return target


def is_current(module: Path) -> bool:
    """True when a module was built from the sources that it has now."""
    stamp = module / "target" / _STAMP
    return stamp.exists() and stamp.read_text() == sources_digest(module)


def _run_maven(module: Path, log_path: Path) -> None:
    maven = maven_command()
    print(f"building the JARs of {module} (once; log: {log_path})", file=sys.stderr, flush=True)
    command = [maven, "-B", "-q", "-f", str(module / "pom.xml"), "package"]
    with log_path.open("w") as log:
        status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    if status.returncode:
        raise EnvironmentFault(f"Maven could not build {module}: {_reason(log_path)}")


def _reason(log_path: Path) -> str:
    """The first error that Maven logged, and where the rest is."""
    lines = log_path.read_text(errors="replace").splitlines()
    errors = [line.removeprefix("[ERROR] ") for line in lines if line.startswith("[ERROR]")]
    first = errors[0] if errors else "no reason was given"
    return f"{first} (is the network reachable? everything it said is in {log_path})"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keeps other processes of this machine from building the same module meanwhile."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        ensure_jars()
    except EnvironmentFault as fault:
        sys.exit(f"error: {fault}")
