"""Runs checks one by one and prints what came of each.

It runs in other environments too, so it loads nothing but the standard library.
"""

import json
import traceback
from collections.abc import Callable, Mapping


def run(checks: Mapping[str, Callable[[], object]], expected: Mapping[str, object]) -> int:
    """Prints one JSON object: the checks' names and `ok`, or what was found instead.

    Args:
        checks: what to ask, by name.
        expected: what each has to give.
    """
    found: dict[str, str] = {}
    for name, check in checks.items():
        try:
            value = check()
        except Exception:
            # Whatever a foreign program raises is a finding, and the next check still runs.
            found[name] = traceback.format_exc(limit=-1).strip()
        else:
            found[name] = "ok" if value == expected[name] else f"{value!r} != {expected[name]!r}"
    print(json.dumps(found))
    return 0 if set(found.values()) == {"ok"} else 1
