"""Makes `.venv` ready: checks the machine first, installs the locked packages, then stamps it.

Run by `make setup`, which made sure of a supported Python. A second run with nothing changed only
compares digests. Nothing is installed yet: only the standard library may be used, and those of
our own modules that need no more.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from millrace.stack.java import compiler_command, java_command, maven_command  # noqa: E402
from udfs.errors import EnvironmentFault  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".millrace-stamp"
INPUTS = ("requirements-build.lock", "requirements.lock", "pyproject.toml")
# pip's settings, under the names by which uv knows them.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


def main() -> int:
    """The exit status of set-up: 0 ready, 3 this machine lacks something, 1 the rest."""
    digest = inputs_digest()
    if STAMP.exists() and STAMP.read_text() == digest:
        return 0
    try:
        require_venv()
        java_command()
        compiler_command()
        maven_command()
        install()
    except EnvironmentFault as fault:
        sys.stderr.write(f"error: {fault}\n")
        return fault.exit_status
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd[:6]))
        sys.stderr.write(f"error: set-up stopped at: {command} …; the lines above say why\n")
        return 1
    STAMP.write_text(digest)
    return 0


def require_venv() -> None:
    """Returns when this Python can make virtual environments."""
    if importlib.util.find_spec("ensurepip") is None:
        raise EnvironmentFault(
            "this Python cannot make virtual environments; install its venv package "
            "(Debian, Ubuntu: sudo apt-get install python3-venv)"
        )


def install() -> None:
    """Installs the locks and Millrace itself into `.venv`."""
    print(f"setting up .venv with {sys.executable} (once)", flush=True)
    if not usable_venv():
        run([sys.executable, "-m", "venv", "--clear", VENV])
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "-q", "--require-hashes", "-r", ROOT / "requirements-build.lock"])
    settings = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True)
    env = {**uv_settings(settings.stdout), **os.environ}
    # Build isolation would fetch the build backends anew, and without hashes.
    uv: list[str | Path] = [VENV / "bin" / "uv", "pip", "install", "-q", "--no-build-isolation"]
    uv += ["--python", PYTHON]
    run([*uv, "--require-hashes", "-r", ROOT / "requirements.lock"], env)
    run([*uv, "--no-deps", "-e", ROOT], env)


def usable_venv() -> bool:
    """True when `.venv` is one of this Python's version, made for this very place."""
    if not PYTHON.exists():
        return False
    question = "import sys; print(sys.version_info[:2], sys.prefix)"
    answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == f"{sys.version_info[:2]} {VENV}"


def uv_settings(pip_settings: str) -> dict[str, str]:
    """Environment for uv out of what `pip config list` prints, which uv does not read itself."""
    found = {}
    for line in pip_settings.splitlines():
        key, _, value = line.partition("=")
        name = UV_NAMES.get(key.rpartition(".")[2])
        if name:
            # pip prints several values as one quoted string with escaped line ends.
            found[name] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


def run(command: list[str | Path], env: dict[str, str] | None = None) -> None:
    """Runs a command whose failure ends set-up."""
    subprocess.run(command, check=True, env=env)


def inputs_digest() -> str:
    """Digest of what an environment is made from, and of where it stands."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
