"""The command: flags in, exit status out."""

import asyncio
import sys
from collections.abc import Sequence

from millrace.model_server.server import serve
from millrace.model_server.settings import settings
from udfs.errors import MillraceError


def main(argv: Sequence[str]) -> int:
    """Runs the server until it is told to stop; the exit status says how it went."""
    try:
        asyncio.run(serve(settings(argv)))
    except MillraceError as error:
        print(f"millrace model-server: {error}", file=sys.stderr)
        return error.exit_status
    except SystemExit as end:
        # --help ends the parser this way.
        return int(end.code or 0)
    return 0
