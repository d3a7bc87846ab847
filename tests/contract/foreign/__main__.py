"""Makes an environment for each foreign package, runs it, and says what it found.

The environments are kept under .millrace/foreign/; the first run needs minutes and about 3 GB.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.contract.conformance.server import target_from_environment
from tests.contract.conformance.target import Target

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[2]
ENVIRONMENTS: Final = Path(".millrace/foreign")
_RUN_S: Final = 300
PACKAGES: Final = {
    "tensorflow-serving-api": "2.21.0",
    "ovmsclient": "2023.1",
    "pythie-serving": "3.4.3",
}


def environment(package: str) -> Path | str:
    """The Python of a package's own environment, made when it is missing; or why there is none."""
    folder = (ENVIRONMENTS / f"{package}-{PACKAGES[package]}").absolute()
    python, done = folder / "bin" / "python", folder / "complete"
    if done.exists():
        return python
    print(f"{package}: making {folder}", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = [f"{package}=={PACKAGES[package]}"]
    # Older packages import pkg_resources without asking for it.
    installed = subprocess.run(
        [*pip, *wanted, "setuptools<81"], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        return f"cannot be installed: {installed.stderr.strip().splitlines()[-1]}"
    done.touch()
    return python


def versions(python: Path) -> dict[str, str]:
    """What the environment has of the packages that matter."""
    argv = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    matter = {*PACKAGES, "grpcio", "protobuf", "numpy", "tensorflow"}
    return {one["name"]: one["version"] for one in listed if one["name"] in matter}


def findings(argv: list[str]) -> dict[str, str]:
    """What a script's checks found, from its last line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
        env=environment,
    )
    lines = ended.stdout.strip().splitlines()
    try:
        found: dict[str, str] = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"start": f"status {ended.returncode}: {ended.stderr.strip()[-500:]}"}
    return found


@contextmanager
def _pythie(python: Path) -> Iterator[str]:
    with TemporaryDirectory(prefix="pythie-") as folder:
        argv = [str(python), str(HERE / "pythie_server.py"), folder]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                yield line.removeprefix("listening on ").strip()
            finally:
                process.kill()


def checked(package: str, python: Path, target: Target) -> dict[str, str]:
    """What the checks of a package found."""
    if package == "tensorflow-serving-api":
        return findings([str(python), str(HERE / "tensorflow_api.py"), target.grpc_address])
    if package == "ovmsclient":
        addresses = [target.grpc_address, target.rest_address]
        return findings([str(python), str(HERE / "ovms.py"), *addresses])
    with _pythie(python) as address:
        return findings([sys.executable, "-m", "tests.contract.foreign.pythie", address])


def main() -> int:
    """The command; its status is 0 when every check of every package passed."""
    figures: dict[str, object] = {}
    bad = 0
    with target_from_environment() as target:
        for package in PACKAGES:
            python = environment(package)
            found = (
                {"installation": python}
                if isinstance(python, str)
                else checked(package, python, target)
            )
            print(f"\n{package} {PACKAGES[package]}")
            if isinstance(python, Path):
                print("  with " + ", ".join(f"{k} {v}" for k, v in versions(python).items()))
            for name, outcome in found.items():
                print(f"  {name:<32} {outcome}")
            passed = sum(outcome == "ok" for outcome in found.values())
            bad += len(found) - passed
            figures[package] = {"checks": len(found), "passed": passed}
    print(json.dumps(figures))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
