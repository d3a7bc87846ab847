"""Ports: the usual one, another one when it is taken."""

import socket

from millrace.stack.ports import HOST, answers, free_ports, is_free


def test_a_taken_port_is_replaced_and_a_free_one_kept() -> None:
    with socket.create_server((HOST, 0)) as server:
        taken = server.getsockname()[1]
        (free,) = free_ports(0)
        first, second = free_ports(taken, free)
        assert (first == taken, second == free) == (False, True)


def test_a_listening_port_answers_and_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        during = (answers(port), is_free(port))
    assert (during, answers(port), is_free(port)) == ((True, False), False, True)
