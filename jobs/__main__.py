"""Entry of every job on a cluster: `flink run -pym jobs -- score --use-case fraud`.

`millrace run` calls it so; settings come from millrace.toml and the environment of the client.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pyflink.datastream import StreamExecutionEnvironment

from jobs import alarms, archive, score
from jobs.alarm_options import alarm_options
from jobs.archive_options import archive_options
from jobs.filling import Bootstrap
from jobs.options import LATEST, STARTS, score_options
from millrace.settings import load
from udfs.errors import MillraceError


def main(argv: Sequence[str]) -> int:
    """Submits the job and, with a bounded source, waits for its end; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        _environment(arguments).execute()
    except MillraceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _environment(arguments: argparse.Namespace) -> StreamExecutionEnvironment:
    use_case, jars = arguments.use_case, tuple(arguments.jar)
    if arguments.job == "archive":
        return archive.build(archive_options(load(), use_case, restore=arguments.restore), jars)
    if arguments.job == "alarms":
        watched = alarm_options(load(), use_case, bounded=arguments.once, restore=arguments.restore)
        return alarms.build(watched, jars)
    if arguments.fill:
        bootstrap = Bootstrap(load(), use_case, bounded=arguments.once)
        return score.build(bootstrap.options(), jars)
    options = score_options(
        load(),
        use_case,
        bounded=arguments.once,
        start=arguments.start,
        restore=arguments.restore,
        after=arguments.after,
    )
    return score.build(options, jars)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jobs", description=__doc__)
    parser.add_argument("job", choices=["score", "archive", "alarms"])
    parser.add_argument("--use-case", required=True, help="installed name, or module:attribute")
    parser.add_argument("--once", action="store_true", help="end at the newest offsets")
    parser.add_argument("--start", default=STARTS[0], choices=STARTS, help="without state")
    parser.add_argument(
        "--jar", action="append", default=[], type=Path, help="shipped with the job"
    )
    parser.add_argument("--after", help="deployment whose place this one takes")
    parser.add_argument("--fill", action="store_true", help="read a prepared history instead")
    parser.add_argument("--restore", default=LATEST, help="latest, none, or a path")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
