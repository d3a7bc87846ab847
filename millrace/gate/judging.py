"""All checks of a candidate, in order, to a verdict."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from millrace.gate import cost, quality, shape
from millrace.gate.limits import Limits
from millrace.gate.served import Outputs, Served, on_server, on_server_of_its_own
from millrace.gate.subjects import RULE, Subject
from millrace.verdict import PASSED, REFUSED, SKIPPED, Check, Verdict
from millrace.version_directory import EVALUATION, EXTRA, GOLDEN_ROWS, digest
from training.dataset import Dataset
from training.evaluation_set import read_evaluation_set
from udfs.client.options import ClientOptions
from udfs.errors import ConfigurationError, DataError
from udfs.use_cases.contract import UseCase


@dataclass(frozen=True)
class Gate:
    """What a candidate of a use case is judged by.

    Attributes:
        use_case: whose model it is.
        champion: what it is compared with; None for the use case's rule.
        limits: thresholds.
        server: a server that serves the candidate under its number; None starts one.
        client: of the connection to that server.
        tell: takes what is being done, in a few words.
    """

    use_case: UseCase
    champion: Subject | None
    limits: Limits
    server: str | None = None
    client: ClientOptions | None = None
    tell: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        """Refuses a server that has no port.

        Raises:
            ConfigurationError: it has none.
        """
        if self.server is not None and not re.fullmatch(r"[^\s,]+:\d+", self.server):
            raise ConfigurationError(
                f"--server is {self.server!r}; it is HOST:PORT, such as 127.0.0.1:8500"
            )

    def judge(self, candidate: Subject) -> Verdict:
        """The verdict; checks that mean nothing after an earlier one are not made.

        Raises:
            ConfigurationError: the candidate is the champion, or the server that was named and
                the client do not trust each other.
            DataError: the champion cannot be asked.
            UnavailableError: the server that was named does not answer.
        """
        content = digest(candidate.folder)
        if self.champion is not None and digest(self.champion.folder) == content:
            raise ConfigurationError(
                f"{candidate.name} is {self.champion.name} itself; name another champion with "
                "--against NUMBER, or --against rule"
            )
        checks = [
            shape.feature_spec(self.use_case, candidate.manifest),
            cost.size(candidate, self.champion, self.limits.max_size_mib),
        ]
        if checks[0].outcome == PASSED:
            checks += self._asked(candidate)
        outcome = REFUSED if any(each.outcome == REFUSED for each in checks) else PASSED
        return Verdict(
            outcome,
            self.use_case.name,
            str(candidate.folder),
            content,
            champion=self.champion.name if self.champion else RULE,
            server=self.server or "",
            limits=self.limits.figures(),
            checks=tuple(checks),
            judged_ms=_now_ms(),
        )

    def _asked(self, candidate: Subject) -> list[Check]:
        """The checks that need a server."""
        with ExitStack() as servers:
            self.tell("loading the candidate")
            try:
                served = servers.enter_context(self._served(candidate))
                checks = [shape.signature(self.use_case, served)]
            except DataError as error:
                return [Check(shape.SIGNATURE, REFUSED, str(error))]
            if checks[-1].outcome == REFUSED:
                return checks
            self.tell("asking golden rows")
            golden = candidate.folder / EXTRA / GOLDEN_ROWS
            checks.append(shape.golden_rows(self.use_case, served, golden))
            try:
                rows = self._rows(candidate)
                outputs = served.outputs(rows.features)
            except DataError as error:
                return [*checks, Check(quality.METRICS, REFUSED, f"it cannot be judged: {error}")]
            comparable = self.champion is None or self._comparable(candidate, self.champion)
            champion = None
            if self.champion is not None and comparable:
                self.tell("loading the champion")
                champion = servers.enter_context(_loaded(self.champion, self.use_case))
            checks.append(self._compared(candidate, rows, outputs, champion))
            most = self.limits.max_calibration_error
            checks.append(quality.calibrated(self.use_case, rows, outputs, most))
            self.tell("measuring latency")
            checks.append(cost.latency(served, champion, rows.features, self.limits))
        return checks

    def _served(self, candidate: Subject) -> AbstractContextManager[Served]:
        model = self.use_case.model
        if self.server is None:
            return on_server_of_its_own(candidate.folder, model)
        return on_server(self.server, model, candidate.manifest.version, self.client)

    def _rows(self, candidate: Subject) -> Dataset:
        rows = read_evaluation_set(candidate.folder / EXTRA / EVALUATION)
        width = len(self.use_case.spec.names)
        if rows.features.shape[1:] != (width,):
            raise DataError(f"its evaluation rows have not {width} features")
        return rows

    def _comparable(self, candidate: Subject, champion: Subject) -> bool:
        return champion.manifest.feature_spec_hash == candidate.manifest.feature_spec_hash

    def _compared(
        self, candidate: Subject, rows: Dataset, outputs: Outputs, champion: Served | None
    ) -> Check:
        if champion is not None and self.champion is not None:
            self.tell("comparing with the champion")
            others = _asked_champion(self.champion, champion, rows)
        elif self.champion is None:
            self.tell("comparing with the rule")
            tensors = (output.tensor for output in self.use_case.model.outputs)
            others = dict(zip(tensors, self.use_case.rule(rows.features), strict=True))
        else:
            return Check(
                quality.METRICS,
                REFUSED,
                f"{self.champion.name} takes features of another spec, "
                f"{self.champion.manifest.feature_spec_hash}, so the same rows cannot be put to "
                "both; --against rule compares with the rule",
            )
        return quality.metrics(
            self.use_case,
            rows,
            outputs,
            others,
            against=self._against(candidate),
            limits=self.limits,
        )

    def _against(self, candidate: Subject) -> str:
        """The champion's name, and whether it has an advantage."""
        if self.champion is None:
            return "the rule"
        learnt_until_ms = self.champion.manifest.data.validation.end_ms
        if learnt_until_ms <= candidate.manifest.data.test.start_ms:
            return self.champion.name
        return f"{self.champion.name} (which learnt from some of this period)"


def skipped(use_case: UseCase, candidate: Subject) -> Verdict:
    """What is recorded when somebody publishes a candidate without the gate."""
    folder = candidate.folder
    return Verdict(SKIPPED, use_case.name, str(folder), digest(folder), judged_ms=_now_ms())


@contextmanager
def _loaded(champion: Subject, use_case: UseCase) -> Iterator[Served]:
    with ExitStack() as server:
        try:
            served = server.enter_context(on_server_of_its_own(champion.folder, use_case.model))
        except DataError as error:
            raise _unfit(champion, error) from error
        yield served


def _asked_champion(champion: Subject, served: Served, rows: Dataset) -> Outputs:
    try:
        return served.outputs(rows.features)
    except DataError as error:
        raise _unfit(champion, error) from error


def _unfit(champion: Subject, error: DataError) -> DataError:
    return DataError(
        f"the champion {champion.name} cannot be asked: {error}; name another one with --against"
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
