"""Answers feature blocks: the model where it can, the use case's rule where it cannot."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.client.blocks import Blocks
from udfs.client.counts import CallCounts
from udfs.client.outcomes import Answer, Failure, FailureReason, Outcome
from udfs.client.validate import checked, not_finite
from udfs.errors import UseCaseError
from udfs.features.values import Features
from udfs.functions.answers import Scores
from udfs.use_cases.contract import Output, UseCase

_LOG = logging.getLogger(__name__)

STABLE = "stable"
FALLBACK_RULE = "fallback:rule"

Rows = NDArray[np.int64] | None


class Scoring:
    """Scores blocks by the model server.

    Args:
        use_case: its model, and its rule.
        blocks: asks the model.
        counts: where answers count that cannot be used.
        deadline_s: total time of a block's calls.

    Attributes:
        rule_rows: rows that the rule answered so far.
    """

    def __init__(
        self, use_case: UseCase, blocks: Blocks, counts: CallCounts, deadline_s: float
    ) -> None:
        self._use_case = use_case
        self._blocks = blocks
        self._counts = counts
        self._deadline_s = deadline_s
        self._failing: FailureReason | None = None
        self.rule_rows = 0

    async def __call__(self, features: Features) -> list[Scores]:
        """Outputs for all rows, in groups of one origin each.

        Raises:
            UseCaseError: the rule had to answer and its answer is none.
        """
        if not len(features):
            return []
        model = self._use_case.model
        inputs = {model.input_name: features.astype(model.input_dtype)}
        parts = await self._blocks.ask(inputs, deadline_s=self._deadline_s)
        if len(parts) == 1:
            return self._scores(features, None, parts[0].outcome)
        return [
            scores
            for part in parts
            for scores in self._scores(
                features[part.begin : part.end], np.arange(part.begin, part.end), part.outcome
            )
        ]

    def _scores(self, features: Features, rows: Rows, outcome: Outcome) -> list[Scores]:
        """Outputs for features, (n, f), that are these rows of their block."""
        if isinstance(outcome, Failure):
            return [self._ruled(features, rows, outcome)]
        outputs: dict[str, NDArray[Any]] = {}
        bad = np.zeros(len(features), np.bool_)
        for wanted in self._use_case.model.outputs:
            output = checked(outcome, wanted.tensor, wanted.shape(len(features)), wanted.dtype)
            if isinstance(output, Failure):
                self._counts.failed(output.reason)
                return [self._ruled(features, rows, output)]
            outputs[wanted.field] = output
            found = not_finite(output)
            bad = bad if found is None else bad | found
        if bad.any():
            return self._without(features, rows, outcome, outputs, bad)
        self._note(None)
        return [Scores(outputs, outcome.version, STABLE, rows=rows)]

    def _without(
        self,
        features: Features,
        rows: Rows,
        answer: Answer,
        outputs: dict[str, NDArray[Any]],
        bad: NDArray[np.bool_],
    ) -> list[Scores]:
        """The model's outputs, apart from rows that hold a value which is not finite."""
        self._counts.failed(FailureReason.NOT_FINITE)
        failure = Failure(
            FailureReason.NOT_FINITE,
            f"{answer.model_name} version {answer.version}: {bad.sum()} of {len(bad)} rows hold "
            "a value that is not finite",
        )
        at = np.arange(len(bad)) if rows is None else rows
        kept = {name: values[~bad] for name, values in outputs.items()}
        good = Scores(kept, answer.version, STABLE, rows=at[~bad])
        return [good, self._ruled(features[bad], at[bad], failure)]

    def _ruled(self, features: Features, rows: Rows, failure: Failure) -> Scores:
        self._note(failure)
        wanted = self._use_case.model.outputs
        values = zip(wanted, self._use_case.rule(features), strict=True)
        outputs = {each.field: self._usable(each, value, len(features)) for each, value in values}
        self.rule_rows += len(features)
        return Scores(outputs, None, FALLBACK_RULE, failure.reason.value, rows)

    def _usable(self, wanted: Output, value: NDArray[Any], rows: int) -> NDArray[Any]:
        """An output of the rule, if it is one."""
        shape = wanted.shape(rows)
        if value.shape != shape or value.dtype != np.dtype(wanted.dtype):
            wrong = f"as {value.dtype} {value.shape} instead of {wanted.dtype} {shape}"
        elif not_finite(value) is not None:
            wrong = "that is not finite"
        else:
            return value
        raise UseCaseError(f"the rule of {self._use_case.name} gives {wanted.field} {wrong}")

    def _note(self, failure: Failure | None) -> None:
        """Logs when calls begin to fail, fail for another reason, or succeed again."""
        reason = failure.reason if failure else None
        if reason == self._failing:
            return
        self._failing = reason
        if failure:
            _LOG.warning("the rule answers: %s: %s", failure.reason.value, failure.message)
        else:
            _LOG.warning("the model answers again")
