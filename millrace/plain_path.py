"""Paths without white space, for programs that cannot be given any other.

PyFlink starts its workers by a shell script that does not quote the interpreter's path, so a
checkout in a folder called `My Projects` would not run a single Python function.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path


def plain_path(path: Path) -> Path:
    """The same directory by a path without white space: itself, or a link in the temporary one.

    >>> plain_path(Path("/usr/bin"))
    PosixPath('/usr/bin')
    """
    path = path.absolute()
    if not any(character.isspace() for character in str(path)):
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    link = Path(tempfile.gettempdir()) / f"millrace-{os.getuid()}-{digest}"
    if not (link.is_symlink() and link.readlink() == path):
        # Made beside its place and renamed: two processes may do this at once.
        fresh = link.with_name(f"{link.name}-{os.getpid()}")
        fresh.symlink_to(path)
        fresh.replace(link)
    return link


def worker_python() -> str:
    """The interpreter of this environment, by a path that Flink can start workers with."""
    inside = plain_path(Path(sys.prefix)) / "bin" / "python"
    return str(inside) if inside.exists() else sys.executable
