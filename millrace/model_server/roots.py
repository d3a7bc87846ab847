"""Models are programs: only directories under the configured roots are ever loaded."""

import os
from collections.abc import Iterable
from pathlib import Path

from udfs.errors import ConfigurationError


class Roots:
    """Directories that models may lie in.

    Args:
        given: the roots that the operator named; without any, the base paths that the flags and
            files name are roots themselves.
    """

    def __init__(self, given: Iterable[Path] = ()) -> None:
        self._roots = {_real(root) for root in given}
        self._closed = bool(self._roots)

    def trust(self, base_path: Path) -> None:
        """Makes a base path that the operator configured a root, unless roots were given."""
        if not self._closed:
            self._roots.add(_real(base_path))

    def check(self, path: Path) -> None:
        """Returns when a path, links resolved, lies under a root.

        Raises:
            ConfigurationError: it does not, or it is written with `..` in it.
        """
        if ".." in path.parts:
            raise ConfigurationError(f"the path {path} goes up by '..', which is not allowed")
        real = _real(path)
        if not any(real.is_relative_to(root) for root in self._roots):
            raise ConfigurationError(f"the path {path} lies under none of the model roots")

    def check_tree(self, folder: Path) -> None:
        """Returns when a folder and all files in it, links resolved, lie under a root.

        Raises:
            ConfigurationError: something leads outside.
        """
        self.check(folder)
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(place, name)
                if path.is_symlink():
                    self.check(path)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
