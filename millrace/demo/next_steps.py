"""What to try after a demo: commands as they can be copied into a shell."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

from rich.markup import escape
from rich.table import Table

from millrace.demo.plan import Plan
from millrace.demo.stories import STORIES


def next_steps(plan: Plan) -> Table:
    """The commands, each with what it is for."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_row("[bold]What to try next[/]", "")
    for command, what in (*_activation(), *_commands(plan.use_case_name, plan.use_case.name)):
        table.add_row(f"  {escape(command)}", f"[dim]{what}[/]")
    return table


def _commands(use_case: str, name: str) -> Iterator[tuple[str, str]]:
    yield f"millrace up --use-case {use_case}", "the same stack, to stay"
    yield f"millrace topics apply {use_case}", "its topics"
    yield f"millrace run score --use-case {use_case}", "the job, in this terminal"
    yield f"millrace produce {use_case} --rate 50", "traffic, in a second one"
    yield f"millrace tail {name}.predictions", "its answers, in a third"
    yield "millrace models list", "what was trained"
    yield f"millrace train {use_case}", "the next version"
    if name in STORIES:
        yield "millrace init NAME", "a use case of your own"


def _activation() -> Iterator[tuple[str, str]]:
    """What makes this environment's commands those of a shell, where they are not yet."""
    own, found = Path(sys.prefix) / "bin", which("millrace")
    if found is None or Path(found).parent != own:
        activate = shlex.quote(os.path.relpath(own / "activate"))
        yield f"source {activate}", "in each terminal, before the others"
