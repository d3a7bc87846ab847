"""Prints docs/reference/settings.md from the declaration of the settings.

python -m tests.unit.docs.settings_page > docs/reference/settings.md
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal, get_args, get_origin

from millrace.settings import Settings, known_settings
from millrace.settings.known import Known

_INTRODUCTION = """\
# Settings

Generated from `millrace/settings/groups.py`; a test compares.

One file for a deployment, `millrace.toml` in the working directory or the file that
`MILLRACE_CONFIG` names, and environment variables over it. A setting `score.parallelism` is
`parallelism` under `[score]` in the file and `MILLRACE_SCORE__PARALLELISM` in the environment.
While the local stack is up, the addresses that it found free stand below the file: commands in
the same folder need no setting to reach it. An unknown name is an error that names the nearest
known one.

```toml
[kafka]
bootstrap_servers = "kafka-1:9092,kafka-2:9092"
properties_file = "/run/secrets/kafka.properties"

[score]
target = "throughput"
parallelism = 8
shards = 16
```

Secrets: Kafka's client properties come from `kafka.properties_file` (a Java properties file) or
from the environment; no command takes them and no message prints them. `sasl.jaas.config` has to
name `username` and `password`; trust and key stores have to be PEM, since Python clients read no
Java key stores.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_tables()]) + "\n"


def _tables() -> Iterator[str]:
    for group, settings in groupby(known_settings(), key=lambda s: s.name.partition(".")[0]):
        yield f"## {group}\n"
        yield f"{Settings.model_fields[group].description}\n"
        yield "| setting | default | what it is |"
        yield "|---|---|---|"
        yield from map(_row, settings)
        yield ""


def _row(setting: Known) -> str:
    choices = _choices(setting.name)
    allowed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
    unset = setting.default is None or setting.default == {}
    default = "unset" if unset else f"`{setting.default}`"
    return f"| `{setting.name}` | {default} | {setting.description}{allowed} |"


def _choices(name: str) -> tuple[Any, ...]:
    group, _, key = name.partition(".")
    kind: Any = Settings.model_fields[group].annotation
    annotation = kind.model_fields[key].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


if __name__ == "__main__":
    sys.stdout.write(page())
