"""What runs of the local stack, as a file: it outlives the command that started it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

from millrace.settings.loading import ADDRESSES_FILE
from millrace.stack.processes import ProcessHandle
from udfs.errors import EnvironmentFault

_FILE, _LOCK = "stack.json", "stack.lock"


@dataclass(frozen=True)
class Service:
    """A process of the stack.

    Attributes:
        part: `broker`, `model-server` or `flink`.
        address: where the part is reached, `host:port`.
        process: the process; Flink has several.
    """

    part: str
    address: str
    process: ProcessHandle

    def as_json(self) -> dict[str, Any]:
        """The service as plain values."""
        process = {**asdict(self.process), "log_path": str(self.process.log_path)}
        return {"part": self.part, "address": self.address, **process}

    @classmethod
    def of_json(cls, row: dict[str, Any]) -> "Service":
        """The service that `as_json` gave."""
        process = ProcessHandle(
            row["name"], row["pid"], row["started_ticks"], Path(row["log_path"])
        )
        return cls(row["part"], row["address"], process)


class StackRecord:
    """The processes of the stack under one state directory, kept in a file beside them.

    Attributes:
        state_dir: the state directory.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.resolve()

    def services(self) -> list[Service]:
        """All recorded processes in the order of their start, dead ones included."""
        try:
            rows = json.loads((self.state_dir / _FILE).read_text())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise EnvironmentFault(
                f"{self.state_dir / _FILE} is damaged ({error}); end the processes it names by "
                "hand and remove it"
            ) from error
        return [Service.of_json(row) for row in rows]

    def running(self) -> list[Service]:
        """The recorded processes that are alive."""
        return [service for service in self.services() if service.process.alive()]

    def add(self, service: Service) -> None:
        """Records a process that was just started."""
        self.replace_all([*self.services(), service])

    def move(self, part: str, address: str) -> None:
        """Records a new address of a part."""
        self.replace_all(
            [replace(s, address=address) if s.part == part else s for s in self.services()]
        )

    def clear(self) -> None:
        """Forgets everything."""
        for name in (_FILE, ADDRESSES_FILE):
            with suppress(FileNotFoundError):
                (self.state_dir / name).unlink()

    def publish(self, addresses: dict[str, dict[str, Any]]) -> None:
        """Lets every later command know the addresses: `millrace.settings` reads them."""
        self._replace(ADDRESSES_FILE, json.dumps(addresses, indent=2))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps two commands from changing the same stack at once.

        Raises:
            EnvironmentFault: another command is at it.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        with (self.state_dir / _LOCK).open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except OSError as error:
                raise EnvironmentFault(
                    f"another millrace command is starting or stopping the stack in "
                    f"{self.state_dir}; wait for it"
                ) from error
            yield

    def replace_all(self, services: list[Service]) -> None:
        """Records these processes instead of all others."""
        self._replace(_FILE, json.dumps([service.as_json() for service in services], indent=2))

    def _replace(self, name: str, content: str) -> None:
        """Written beside its place and renamed: a crash leaves the old file or the new one."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        fresh = self.state_dir / f"{name}.{os.getpid()}"
        fresh.write_text(content)
        fresh.replace(self.state_dir / name)
