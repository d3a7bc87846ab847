"""What a name that nobody knows was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_CUTOFF = 0.6


def did_you_mean(
    name: str, known: Iterable[str], *, quoted: bool = False, cutoff: float = _CUTOFF
) -> str:
    """The question whether the nearest known name was meant; empty when none is near.

    Args:
        name: what was given.
        known: the names there are.
        quoted: put the name in quotes.
        cutoff: the least likeness, from 0 to 1, that counts as near.

    >>> did_you_mean("score.shard", ["score.parallelism", "score.shards"])
    'did you mean score.shards?'
    >>> did_you_mean("fruad", ["fraud"], quoted=True), did_you_mean("fruad", ["maintenance"])
    ("did you mean 'fraud'?", '')
    """
    near = get_close_matches(name, known, n=1, cutoff=cutoff)
    if not near:
        return ""
    return f"did you mean {near[0]!r}?" if quoted else f"did you mean {near[0]}?"
