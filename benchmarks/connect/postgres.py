"""A PostgreSQL server on loopback that keeps a logical log, with the table of the example."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from millrace.stack.ports import HOST, free_ports
from udfs.errors import EnvironmentFault
from udfs.use_cases.fraud import Transaction

DATABASE, ROLE, PASSWORD = "bank", "millrace", "secret"
_SUPERUSER = "postgres"
_COLUMNS = Transaction.__struct_fields__
_SETTINGS = """
wal_level = logical
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
"""


class Postgres:
    """A server for as long as the block lasts; its role may do what the example needs, no more."""

    def __init__(self, folder: Path) -> None:
        """Starts nothing.

        Raises:
            EnvironmentFault: this machine has no PostgreSQL server.
        """
        self.data = folder / "postgres"
        (self.port,) = free_ports(0)
        # PostgreSQL refuses to run as root; Debian's package makes this user for it.
        self._user = _SUPERUSER if os.geteuid() == 0 else None
        self._programs = _programs()

    def __enter__(self) -> "Postgres":
        """Starts the server and makes database, role and an empty table."""
        self.data.mkdir()
        if self._user:
            self.data.parent.chmod(0o711)
            shutil.chown(self.data, self._user)
        self._run("initdb", "-D", str(self.data), "-U", _SUPERUSER, "-A", "trust", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(host=HOST, port=self.port))
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.data / "log"), "-w", "start")
        try:
            self._make_table()
        except BaseException:
            self._stop()
            raise
        return self

    def _make_table(self) -> None:
        self.sql(f"CREATE DATABASE {DATABASE}", database="postgres")
        columns = ", ".join(f"{name} bigint NOT NULL" for name in _COLUMNS)
        self.sql(
            f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{PASSWORD}';"
            f"GRANT CREATE ON DATABASE {DATABASE} TO {ROLE};"
            f"CREATE TABLE transactions ({columns}, PRIMARY KEY ({_COLUMNS[0]}));"
            f"ALTER TABLE transactions OWNER TO {ROLE}"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops the server at once; nobody needs its data."""
        self._stop()

    def _stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def insert(self, rows: Sequence[Transaction]) -> None:
        """Inserts rows in one transaction."""
        values = ", ".join(str(tuple(getattr(row, c) for c in _COLUMNS)) for row in rows)
        self.sql(f"INSERT INTO transactions ({', '.join(_COLUMNS)}) VALUES {values}")

    def sql(self, text: str, database: str = DATABASE) -> None:
        """Runs statements as the superuser."""
        where = ["-h", HOST, "-p", str(self.port), "-U", _SUPERUSER, "-d", database]
        self._run("psql", *where, "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", given=text)

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            input=given,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.data,
            user=self._user,
            check=False,
        )
        if done.returncode:
            raise EnvironmentFault(f"PostgreSQL's {program} failed: {done.stderr.strip()}")


def _programs() -> Path:
    """The folder of the server's programs; Debian keeps them off the search path."""
    found = [Path(folder) for folder in os.get_exec_path()]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    needed = ("initdb", "pg_ctl", "psql")
    folders = [folder for folder in found if all((folder / name).exists() for name in needed)]
    if not folders:
        raise EnvironmentFault(
            "no PostgreSQL server was found (Debian, Ubuntu: sudo apt-get install postgresql)"
        )
    return folders[0]
