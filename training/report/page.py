"""Sections become one HTML file: styles and charts are inside, nothing is fetched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import resources
from itertools import count

import jinja2

from millrace.manifest import Manifest

_DAY_MS = 86_400_000
_BEFORE_AN_ID = re.compile(r'\sid="|href="#|url\(#')


@dataclass(frozen=True)
class Chart:
    """A drawing.

    Attributes:
        svg: the `<svg>` element; its ids are its own, whatever others are called.
        caption: what it shows, a sentence.
    """

    svg: str
    caption: str


@dataclass(frozen=True)
class Table:
    """A table; the first column is text, the others are numbers as text.

    Attributes:
        headings: of the columns.
        rows: cells as they are shown.
        caption: what it shows, a sentence.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: a few words.
        text: what the reader should know, a sentence or two.
        charts: side by side.
        tables: below them.
    """

    title: str
    text: str
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()


def render(manifest: Manifest, sections: Sequence[Section]) -> str:
    """The HTML of a report.

    Args:
        manifest: of the version, for its head; the version number may still be open (0).
        sections: in the order in which they are read.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    numbers = count(1)
    environment.filters["own_ids"] = lambda svg: _own_ids(svg, f"chart{next(numbers)}-")
    environment.filters["utc"] = _utc
    environment.filters["grouped"] = "{:,}".format
    source = resources.files(__package__).joinpath("page.html.jinja").read_text("utf-8")
    data = manifest.data
    parts = [(name, getattr(data, name)) for name in ("train", "validation", "test")]
    return environment.from_string(source).render(
        manifest=manifest,
        sections=sections,
        parts=parts,
        gap_days=max(data.test.start_ms - data.validation.end_ms, 0) // _DAY_MS,
        positives=all(part.positives is not None for _, part in parts),
        measures=_measures(manifest),
    )


def _own_ids(svg: str, prefix: str) -> str:
    """A drawing whose ids begin with `prefix`: on one page each id may stand once.

    >>> _own_ids('<g id="a" clip-path="url(#b)"><use xlink:href="#c"/></g>', "p-")
    '<g id="p-a" clip-path="url(#p-b)"><use xlink:href="#p-c"/></g>'
    """
    return _BEFORE_AN_ID.sub(rf"\g<0>{prefix}", svg)


def _measures(manifest: Manifest) -> list[tuple[str, str, str]]:
    """Name, the model's value, and the rule's."""
    metrics = manifest.metrics
    return [
        (
            name.replace("_", " "),
            _figure(value),
            _figure(metrics[f"rule_{name}"]) if f"rule_{name}" in metrics else "",
        )
        for name, value in metrics.items()
        if not name.startswith("rule_")
    ]


def _figure(value: float) -> str:
    """Four decimals; counts without.

    >>> _figure(0.25), _figure(1.0), _figure(2_310.0)
    ('0.2500', '1.0000', '2,310')
    """
    return f"{value:,.0f}" if value > 1 and value.is_integer() else f"{value:,.4f}"


def _utc(time_ms: int) -> str:
    time = datetime.fromtimestamp(time_ms / 1_000, timezone.utc)
    return time.strftime("%Y-%m-%d %H:%M")
