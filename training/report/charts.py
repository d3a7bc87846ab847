"""Charts as inline SVG, drawn by matplotlib without a display."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.report.page import Chart

BLUE, ORANGE, GREY, BLACK = "#2563a8", "#d9730d", "#8a94a0", "#1b2430"
_COLOURS = (BLUE, ORANGE, GREY)
_SIZE = (5.2, 3.6)
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.color": "#e6eaef",
    "legend.frameon": False,
    "svg.fonttype": "path",  # readable without any font on the reader's machine
    "svg.hashsalt": "millrace",  # the same data draws the same bytes
}

Values = NDArray[Any]
Line = tuple[Values, Values]
"""x and y, (n,) each."""


def lines(
    named: Mapping[str, Line],
    *,
    x: str,
    y: str,
    caption: str,
    points: Mapping[str, tuple[float, float]] | None = None,
    diagonal: bool = False,
    logarithmic: bool = False,
    markers: bool = False,
) -> Chart:
    """Curves over one pair of axes.

    Args:
        named: curves by what the legend calls them.
        x: label of the horizontal axis.
        y: label of the vertical axis.
        caption: what is shown.
        points: single points by name.
        diagonal: draw where y equals x, as far as the curves go.
        logarithmic: both axes.
        markers: mark each place of a curve.
    """
    with _axes() as (figure, axes):
        for colour, (name, (across, up)) in zip(_COLOURS, named.items(), strict=False):
            axes.plot(across, up, label=name, color=colour, marker="o" if markers else None, ms=4)
        for name, point in (points or {}).items():
            axes.plot(*point, "o", color=BLACK, label=name)
        if diagonal:
            places = np.concatenate([across for across, _ in named.values()])
            ends = [places.min(initial=np.inf), places.max(initial=-np.inf)]
            axes.plot(ends, ends, color=GREY, lw=1, ls="--")
        if logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
        else:
            _whole_ticks(axes, named)
        _finish(axes, x, y)
        return Chart(_svg(figure), caption)


def densities(named: Mapping[str, Values], edges: Values, *, x: str, y: str, caption: str) -> Chart:
    """Outlines of histograms over the same edges, as shares of their rows, on a log axis."""
    with _axes() as (figure, axes):
        for colour, (name, values) in zip(_COLOURS, named.items(), strict=False):
            share = np.histogram(values, edges)[0] / max(len(values), 1)
            axes.stairs(share, edges, label=name, color=colour, lw=1.6)
        axes.set_yscale("log")
        _finish(axes, x, y)
        return Chart(_svg(figure), caption)


def bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    x: str,
    caption: str,
    spread: Sequence[float] | None = None,
    mark: float | None = None,
) -> Chart:
    """Horizontal bars, the first name on top; `mark` draws a line across."""
    with _axes(height=max(1.2 + 0.24 * len(names), 2.0)) as (figure, axes):
        places = np.arange(len(names))[::-1]
        axes.barh(places, values, xerr=spread, color=BLUE, ecolor=GREY, height=0.65)
        axes.set_yticks(places, names)
        axes.grid(axis="y", visible=False)
        if mark is not None:
            axes.axvline(mark, color=ORANGE, lw=1.2, ls="--")
        axes.set_xlabel(x)
        return Chart(_svg(figure), caption)


def paired_bars(
    names: Sequence[str], named: Mapping[str, Sequence[float]], *, x: str, caption: str
) -> Chart:
    """Horizontal bars of two values for each name, the first name on top."""
    height, places = 0.4, np.arange(len(names))[::-1]
    with _axes(height=1.4 + 0.4 * len(names)) as (figure, axes):
        for colour, shift, (name, values) in zip(
            _COLOURS, (0.5, -0.5), named.items(), strict=False
        ):
            axes.barh(places + shift * height, values, label=name, color=colour, height=height)
        axes.set_yticks(places, names)
        axes.grid(axis="y", visible=False)
        _finish(axes, x, "")
        return Chart(_svg(figure), caption)


@contextmanager
def _axes(height: float = _SIZE[1]) -> Iterator[tuple[Any, Any]]:
    with rc_context(_STYLE):
        figure = Figure((_SIZE[0], height), layout="constrained")
        yield figure, figure.subplots()


def _whole_ticks(axes: Any, named: Mapping[str, Line]) -> None:
    """No tick between whole numbers where a curve has whole places only."""
    if all(np.all(across == np.round(across)) for across, _ in named.values()):
        axes.xaxis.get_major_locator().set_params(integer=True)


def _finish(axes: Any, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    # Above the axes, where no curve can run through it.
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def _svg(figure: Any) -> str:
    """The `<svg>` element alone, without the file's head."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
