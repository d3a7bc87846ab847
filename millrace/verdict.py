"""What the gate found of a candidate: checks with their reasons, kept beside what is published."""

from pathlib import Path
from typing import Literal

import msgspec

from udfs.errors import DataError

PASSED: Literal["passed"] = "passed"
REFUSED: Literal["refused"] = "refused"
NOT_APPLICABLE: Literal["does not apply"] = "does not apply"
SKIPPED: Literal["skipped"] = "skipped"


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question to a candidate.

    Attributes:
        name: a word or two.
        outcome: what the answer means for the verdict.
        reason: why, in a sentence with the figures that decided.
        figures: every figure that was measured, by name.
    """

    name: str
    outcome: Literal["passed", "refused", "does not apply"]
    reason: str
    figures: dict[str, float] = {}


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a candidate may be published, and why.

    Attributes:
        outcome: `skipped` when it was published without the gate, as whoever did so asked for.
        use_case: whose model it is.
        candidate: the directory that was judged.
        digest: of that directory's content; see `millrace.registry.digest`.
        champion: what it was compared with: a version such as `fraud:3`, a directory, or `rule`.
        server: the server that answered; empty for one that was started for the gate.
        limits: thresholds by name, as they were applied.
        checks: in the order in which they were made.
        judged_ms: when, UTC milliseconds.
    """

    outcome: Literal["passed", "refused", "skipped"]
    use_case: str
    candidate: str
    digest: str
    champion: str = ""
    server: str = ""
    limits: dict[str, float] = {}
    checks: tuple[Check, ...] = ()
    judged_ms: int = 0

    @property
    def reasons(self) -> list[str]:
        """Why it was refused, a sentence for each check that it did not pass."""
        return [f"{each.name}: {each.reason}" for each in self.checks if each.outcome == REFUSED]


def write_verdict(verdict: Verdict, file: Path) -> None:
    """Writes the verdict as readable JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n")


def read_verdict(file: Path) -> Verdict:
    """The verdict in a JSON file.

    Raises:
        DataError: it cannot be read, or holds no verdict.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Verdict)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is no Verdict: {error}") from error
