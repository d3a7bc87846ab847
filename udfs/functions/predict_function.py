"""The Flink function of the predictions stage."""

import logging

from pyflink.datastream import AsyncFunction, RuntimeContext

from udfs.client.outcomes import Failure, FailureReason
from udfs.client.predict import PredictionClient
from udfs.client.validate import checked
from udfs.functions.answers import AnswerEncoder, Scores
from udfs.functions.feature_block import FeatureBlock
from udfs.use_cases.contract import UseCase
from udfs.use_cases.find import find_use_case

_LOG = logging.getLogger(__name__)

STABLE = "stable"
FALLBACK_RULE = "fallback:rule"


class PredictFunction(AsyncFunction):
    """Scores feature blocks with one call to the model server a block.

    No key, no state, no timers. Never raises: when the call fails, runs out of its deadline or
    answers with something else than was asked for, the use case's rule answers the whole block
    and each row says so (`route`, `fallback_reason`).
    """

    def __init__(
        self, use_case: str, topic: str, target: str, deadline_ms: int, emit_features: bool
    ) -> None:
        self._use_case_name = use_case
        self._topic = topic
        self._target = target
        self._deadline_s = deadline_ms / 1000
        self._emit_features = emit_features

    def open(self, runtime_context: RuntimeContext) -> None:
        """Makes the client; its channel opens with the first call, on the running loop."""
        self._use_case: UseCase = find_use_case(self._use_case_name)
        self._encoder = AnswerEncoder(self._use_case, self._topic, self._emit_features)
        self._client = PredictionClient(self._target)

        self._failing: FailureReason | None = None

    async def async_invoke(self, value: FeatureBlock) -> list[bytes]:
        """The answer to one block."""
        return [self._encoder.encode(value, await self._scores(value))]

    async def _scores(self, block: FeatureBlock) -> Scores:
        rows, model = len(block.features), self._use_case.model
        if rows == 0:
            return Scores({}, None, FALLBACK_RULE)
        outcome = await self._client.predict(
            model.model_name,
            {model.input_name: block.features.astype(model.input_dtype)},
            deadline_s=self._deadline_s,
            signature_name=model.signature_name,
        )
        if isinstance(outcome, Failure):
            return self._fallback(block, outcome)
        outputs = {}
        for wanted in model.outputs:
            output = checked(outcome, wanted.tensor, wanted.shape(rows), wanted.dtype)
            if isinstance(output, Failure):
                return self._fallback(block, output)
            outputs[wanted.field] = output
        self._note(None)
        return Scores(outputs, outcome.version, STABLE)

    def _fallback(self, block: FeatureBlock, failure: Failure) -> Scores:
        self._note(failure)
        fields = (output.field for output in self._use_case.model.outputs)
        outputs = dict(zip(fields, self._use_case.rule(block.features), strict=True))
        return Scores(outputs, None, FALLBACK_RULE, failure.reason.value)

    def _note(self, failure: Failure | None) -> None:
        """Logs when calls begin to fail, fail for another reason, or succeed again."""
        reason = failure.reason if failure else None
        if reason == self._failing:
            return
        self._failing = reason
        if failure:
            _LOG.warning("the rule answers: %s: %s", failure.reason.value, failure.message)
        else:
            _LOG.warning("the model answers again: %s", self._target)
