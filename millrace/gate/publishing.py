"""From a candidate to a published version."""

from dataclasses import dataclass
from pathlib import Path

from millrace import registry
from millrace.gate.judging import Gate, skipped
from millrace.gate.subjects import Subject
from millrace.verdict import REFUSED, Verdict
from udfs.errors import ConfigurationError
from udfs.use_cases.contract import UseCase


@dataclass(frozen=True)
class Published:
    """What became of a candidate.

    Attributes:
        verdict: of the gate.
        version: its number; None when the gate refused it.
        path: where the version lies; None likewise.
    """

    verdict: Verdict
    version: int | None = None
    path: Path | None = None


def publish(
    base: Path,
    use_case: UseCase,
    candidate: Subject,
    *,
    gate: Gate | None,
    version: int | None = None,
) -> Published:
    """Publishes a copy of the candidate unless the gate refuses it.

    Args:
        base: the models' base path.
        use_case: whose model it is.
        candidate: what to publish; it stays where it is.
        gate: judges it; None publishes it unjudged, which the version then says.
        version: a number of one's own choice; the next free one when None.

    Raises:
        ConfigurationError: it is no model of the use case, was published before, or the number
            is taken.
        EnvironmentFault: the base path cannot be written.
    """
    manifest, model_name = candidate.manifest, use_case.model.model_name
    if manifest.model_name != model_name:
        raise ConfigurationError(
            f"{candidate.name} is a version of model {manifest.model_name!r}; use case "
            f"{use_case.name} asks model {model_name!r}"
        )
    # Told at once, not after a minute of judging.
    registry.require_new(base, manifest, version)
    verdict = gate.judge(candidate) if gate else skipped(use_case, candidate)
    if verdict.outcome == REFUSED:
        return Published(verdict)
    made = registry.publish_copy(base, candidate.folder, verdict, version=version)
    path = registry.version_path(base, model_name, made.version)
    return Published(verdict, made.version, path)
