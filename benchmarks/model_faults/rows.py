"""What came out of a job, by the time at which it was scored."""

from collections import Counter
from dataclasses import dataclass
from math import isfinite

import msgspec

from benchmarks.reading import chunks

STABLE, RULE = "stable", "fallback:rule"


class Row(msgspec.Struct):
    """What is looked at of a prediction."""

    route: str
    fallback_reason: str | None
    model_version: int | None
    output: float | None
    scored_time_ms: int

    @property
    def labelled(self) -> bool:
        """Whether it says who answered: a version, or the rule and why."""
        if self.route == STABLE:
            return self.model_version is not None and self.fallback_reason is None
        return self.route == RULE and self.model_version is None and bool(self.fallback_reason)


@dataclass(frozen=True)
class Rows:
    """Predictions in the order of their scoring."""

    rows: list[Row]

    @classmethod
    def read(cls, bootstrap_servers: str, name: str) -> "Rows":
        """All committed predictions of a job."""
        decode = msgspec.json.Decoder(Row).decode_lines
        found = [
            row
            for messages in chunks(bootstrap_servers, f"{name}.predictions")
            for row in decode(b"\n".join([message.value() for message in messages]))
        ]
        return cls(sorted(found, key=lambda row: row.scored_time_ms))

    def between(self, begin_ms: int, end_ms: int) -> "Rows":
        """Those scored from `begin_ms` up to `end_ms`."""
        return Rows([row for row in self.rows if begin_ms <= row.scored_time_ms < end_ms])

    def reasons(self) -> Counter[str]:
        """How many give each reason; the model's own stand under `stable`."""
        return Counter(row.fallback_reason or row.route for row in self.rows)

    def versions(self) -> Counter[int]:
        """How many each version answered."""
        return Counter(r.model_version for r in self.rows if r.model_version is not None)

    def first_ms(self, reason: str) -> int | None:
        """When the first with this reason was scored."""
        return next((r.scored_time_ms for r in self.rows if r.fallback_reason == reason), None)

    def last_ms(self, reason: str) -> int | None:
        """When the last with this reason was scored."""
        last = (r.scored_time_ms for r in reversed(self.rows) if r.fallback_reason == reason)
        return next(last, None)

    def unlabelled(self) -> int:
        """How many do not say who answered."""
        return sum(not row.labelled for row in self.rows)

    def not_finite(self) -> int:
        """How many hold no number as their score."""
        return sum(row.output is None or not isfinite(row.output) for row in self.rows)
