"""Turns into the given program, after asking the kernel to end it when its owner dies.

Run as a file: `python -I -S bound.py OWNER_PID PROGRAM [ARGUMENT ...]`. The process id stays the
same over the exec, and so does the request to the kernel. Doing this in the forked child of the
owner instead (`preexec_fn`) can deadlock when the owner runs threads, and clients of Kafka do.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Replaces this process by the program; returns only when the owner is dead already."""
    owner, program = int(argv[0]), argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != owner:  # it died before the line above took effect
        return 1
    os.execvp(program[0], program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
