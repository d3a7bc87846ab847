"""Answers feature blocks: the model where it can, the use case's rule where it cannot."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.client.outcomes import Answer, Failure, FailureReason
from udfs.client.predict import PredictionClient
from udfs.client.validate import checked, not_finite
from udfs.errors import UseCaseError
from udfs.features.values import Features
from udfs.functions.answers import Scores
from udfs.use_cases.contract import UseCase

_LOG = logging.getLogger(__name__)

STABLE = "stable"
FALLBACK_RULE = "fallback:rule"

Rows = NDArray[np.int64] | None


class Scoring:
    """Scores blocks by one call to the model server each.

    Args:
        use_case: its model, and its rule.
        client: makes the calls.
        deadline_s: total time of a call.

    Attributes:
        rule_rows: rows that the rule answered so far.
    """

    def __init__(self, use_case: UseCase, client: PredictionClient, deadline_s: float) -> None:
        self._use_case = use_case
        self._client = client
        self._deadline_s = deadline_s
        self._failing: FailureReason | None = None
        self.rule_rows = 0

    async def __call__(self, features: Features) -> list[Scores]:
        """Outputs for all rows, in groups of one origin each.

        Raises:
            UseCaseError: the rule had to answer and its answer is none.
        """
        model = self._use_case.model
        if not len(features):
            return []
        outcome = await self._client.predict(
            model.model_name,
            {model.input_name: features.astype(model.input_dtype)},
            deadline_s=self._deadline_s,
            signature_name=model.signature_name,
        )
        if isinstance(outcome, Failure):
            return [self._ruled(features, None, outcome)]
        return self._checked(features, outcome)

    def _checked(self, features: Features, answer: Answer) -> list[Scores]:
        outputs: dict[str, NDArray[Any]] = {}
        bad = np.zeros(len(features), np.bool_)
        for wanted in self._use_case.model.outputs:
            output = checked(answer, wanted.tensor, wanted.shape(len(features)), wanted.dtype)
            if isinstance(output, Failure):
                self._client.counts.failed(output.reason)
                return [self._ruled(features, None, output)]
            outputs[wanted.field] = output
            rows = not_finite(output)
            bad = bad if rows is None else bad | rows
        if not bad.any():
            self._note(None)
            return [Scores(outputs, answer.version, STABLE)]
        return self._without(features, answer, outputs, bad)

    def _without(
        self,
        features: Features,
        answer: Answer,
        outputs: dict[str, NDArray[Any]],
        bad: NDArray[np.bool_],
    ) -> list[Scores]:
        """The model's outputs, apart from rows that hold a value which is not finite."""
        good_rows, bad_rows = np.flatnonzero(~bad), np.flatnonzero(bad)
        self._client.counts.failed(FailureReason.NOT_FINITE)
        failure = Failure(
            FailureReason.NOT_FINITE,
            f"{answer.model_name} version {answer.version}: {len(bad_rows)} of {len(bad)} rows "
            "hold a value that is not finite",
        )
        kept = {name: values[good_rows] for name, values in outputs.items()}
        good = Scores(kept, answer.version, STABLE, rows=good_rows)
        return [good, self._ruled(features, bad_rows, failure)]

    def _ruled(self, features: Features, rows: Rows, failure: Failure) -> Scores:
        self._note(failure)
        of_rows = features if rows is None else features[rows]
        values = self._use_case.rule(of_rows)
        outputs = {}
        for wanted, value in zip(self._use_case.model.outputs, values, strict=True):
            shape = wanted.shape(len(of_rows))
            if value.shape != shape or value.dtype != np.dtype(wanted.dtype):
                raise UseCaseError(
                    f"the rule of {self._use_case.name} gives {wanted.field} as {value.dtype} "
                    f"{value.shape} instead of {wanted.dtype} {shape}"
                )
            if not_finite(value) is not None:
                raise UseCaseError(
                    f"the rule of {self._use_case.name} gives {wanted.field} that is not finite"
                )
            outputs[wanted.field] = value
        self.rule_rows += len(of_rows)
        return Scores(outputs, None, FALLBACK_RULE, failure.reason.value, rows)

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
