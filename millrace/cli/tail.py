"""`millrace tail`: records of a topic as they come."""

import json
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from millrace.kafka.readers import Record


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(tail)


def tail(
    topic: Annotated[str, typer.Argument(help="Name of the topic, such as fraud.predictions.")],
    *,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many records.")
    ] = None,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the oldest record.")
    ] = False,
    uncommitted: Annotated[
        bool, typer.Option("--uncommitted", help="Show records of open and aborted transactions.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a record, with its place and key.")
    ] = False,
) -> None:
    """Print records of a topic as they come.

    Only committed ones, unless asked otherwise. Ctrl-C ends it.

    Example: millrace tail fraud.predictions --count 10
    """
    from millrace.kafka.cluster import cluster  # noqa: PLC0415
    from millrace.kafka.readers import follow  # noqa: PLC0415
    from millrace.settings import load  # noqa: PLC0415

    records = follow(
        cluster(load().kafka), topic, from_beginning=from_beginning, committed=not uncommitted
    )
    for record in islice(records, count):
        typer.echo(json.dumps(as_object(record)) if as_json else as_line(record))


def as_object(record: "Record") -> dict[str, Any]:
    """The record as plain values; a value that is JSON is decoded, other bytes become text."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": as_text(record.key),
        "value": as_value(record.value),
    }


def as_line(record: "Record") -> str:
    """The record for people: its place, then its value."""
    value = as_value(record.value)
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{record.partition}:{record.offset:<8} {shown}"


def as_value(content: bytes | None) -> Any:
    """Bytes that are JSON decoded, others as text."""
    try:
        return None if content is None else json.loads(content)
    except ValueError:
        return as_text(content)


def as_text(content: bytes | None) -> str | None:
    """Bytes as text; those that are no UTF-8, and control characters, are escaped."""
    if content is None:
        return None
    text = content.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
