"""What the demo does at the moment, in one sentence."""

from dataclasses import dataclass
from enum import Enum

from millrace.demo.archiving import Archived
from millrace.demo.challenger import Challenger, Step
from millrace.demo.command import Progress
from millrace.demo.plan import Plan
from millrace.demo.risks import Risks
from millrace.demo.tally import Snapshot
from millrace.manifest import Manifest

_BEHIND_S = 3


class Stage(Enum):
    """Where the demo is; the stream's own progress is in the tally."""

    KAFKA = "A Kafka broker starts on this machine"
    JOB = "the job runs"
    DRAINING = "the last records come out"
    ARCHIVING = "The archive takes the last records"
    COUNTING = "Every topic is read anew and counted, and the archive beside it"
    STOPPING = "Everything is being stopped"


@dataclass
class Status:
    """How the parts are; written by the main thread, read by the display.

    Attributes:
        stage: where the demo is.
        job: Flink's word for the job's state.
        progress: how far the training is, None when none runs.
        model: the newest published version that fits, None when there is none yet.
        trained_here: whether this demo trains it.
        announced: whether other commands find the demo's broker by themselves.
        commit_ms: time between commits of the job.
        labels_told: labels that were sent so far.
        archived: what the archive holds, None before its job was started.
        challenger: the model that is trained from the archive, None when none will be.
        risks: of the second entity keys, None when none are shown.
    """

    stage: Stage = Stage.KAFKA
    job: str = "not started"
    progress: Progress | None = None
    model: Manifest | None = None
    trained_here: bool = False
    announced: bool = False
    commit_ms: int = 0
    labels_told: int = 0
    archived: Archived | None = None
    challenger: Challenger | None = None
    risks: Risks | None = None


def sentence(status: Status, seen: Snapshot, plan: Plan) -> str:
    """What happens now."""
    noun = plan.story.noun
    if status.stage is Stage.DRAINING:
        return f"No more {noun} are sent; the last {seen.waiting:,} come out of the job."
    if status.stage is not Stage.JOB:
        return f"{status.stage.value}."
    if seen.first_prediction_s is None:
        return f"Flink starts in this process; {noun} of {plan.history_words} already wait for it."
    if status.job != "RUNNING":
        return f"The job is {status.job.lower()}; it goes on from its last checkpoint."
    if seen.predictions + seen.dead_letters < seen.history:
        return f"The job replays {plan.history_words}, so that live {noun} meet full windows."
    return _answering(status, seen, noun)


def _answering(status: Status, seen: Snapshot, noun: str) -> str:
    version = seen.last_source[1] if seen.last_source else None
    if version is not None:
        return f"Model version {version} scores live {noun}{_beside(status)}."
    if seen.first_model_s is not None:
        return f"The model does not answer ({seen.fallback_reason}), so the rule does."
    if status.model is not None:
        return f"Version {status.model.version} is published; the model server loads it."
    if seen.waiting > _BEHIND_S * max(seen.rate_in, 100):
        return f"The job catches up with live {noun}; a model is being trained beside it."
    return f"A rule answers live {noun} while the first model is being trained."


def _beside(status: Status) -> str:
    """What the challenger does meanwhile."""
    challenger = status.challenger
    if challenger is None:
        return ""
    if challenger.step is Step.DONE and challenger.published is None:
        return "; the gate refused the challenger"
    return {
        Step.WAITING: "; the archive fills",
        Step.TRAINING: "; a challenger is trained from the archive",
        Step.JUDGED: "; the gate judges the challenger",
        Step.DONE: "",
    }[challenger.step]
