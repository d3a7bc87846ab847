"""Ports on the loopback interface: the usual one when it is free, another one when not."""

import random
import socket
from contextlib import ExitStack

from udfs.errors import EnvironmentFault

HOST = "127.0.0.1"
# Below the range from which the kernel gives ports to outgoing connections: one of those could
# take the port between the choice and the start of the server.
_FREE_CHOICE = range(20_000, 32_000)
_TRIES = 50


def is_free(port: int) -> bool:
    """True when nothing listens on the port of the loopback interface."""
    with socket.socket() as probe:
        # As servers do; without it a port in TIME_WAIT after a restart would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int, timeout_s: float = 0.5) -> bool:
    """True when a connection to the port of the loopback interface is accepted."""
    try:
        with socket.create_connection((HOST, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def free_ports(*preferred: int) -> tuple[int, ...]:
    """One distinct free port for each preferred one, which is kept when it is free (0: any).

    >>> len(set(free_ports(0, 0, 0)))
    3
    """
    with ExitStack() as held:
        return tuple(held.enter_context(_bound(port)).getsockname()[1] for port in preferred)


def _bound(port: int) -> socket.socket:
    for candidate in (port or random.choice(_FREE_CHOICE), *random.sample(_FREE_CHOICE, _TRIES)):
        probe = socket.socket()
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, candidate))
        except OSError:
            probe.close()
        else:
            return probe
    raise EnvironmentFault(f"no free port was found in {_TRIES} tries on {HOST}")
