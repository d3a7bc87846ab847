"""The Flink function of the predictions stage."""

import logging

from pyflink.datastream import AsyncFunction, RuntimeContext

from udfs import metrics
from udfs.client.batching import AdaptiveBatching
from udfs.client.blocks import Blocks, WholeBlocks
from udfs.client.credentials import credentials
from udfs.client.limits import Search
from udfs.client.options import ClientOptions
from udfs.client.predict import PredictionClient
from udfs.functions.answers import AnswerEncoder
from udfs.functions.client_metrics import show_client
from udfs.functions.feature_block import FeatureBlock
from udfs.functions.scoring import Scoring
from udfs.use_cases.contract import ModelSignature, UseCase
from udfs.use_cases.find import find_use_case

_LOG = logging.getLogger(__name__)


class PredictFunction(AsyncFunction):
    """Scores feature blocks with one call to the model server a block, or as it is best.

    No key, no state, no timers. Never raises: when the call fails, runs out of its deadline or
    answers with something else than was asked for, the use case's rule answers the whole block;
    where the model's output is not finite, it answers that row. Each row says so (`route`,
    `fallback_reason`). When the rule fails too, the block's records become dead letters.

    Args:
        use_case: installed name or `module:attribute`.
        topic: the raw topic.
        target: `host:port` of the model server, of replicas separated by commas.
        deadline_ms: total time of a call.
        emit_features: write feature rows too.
        client: how the client behaves.
    """

    def __init__(
        self,
        use_case: str,
        topic: str,
        target: str,
        deadline_ms: int,
        emit_features: bool,
        *,
        client: ClientOptions | None = None,
    ) -> None:
        self._use_case_name = use_case
        self._topic = topic
        self._target = target
        self._deadline_s = deadline_ms / 1000
        self._emit_features = emit_features
        self._client_options = client or ClientOptions()

    def open(self, runtime_context: RuntimeContext) -> None:
        """Makes the client; its channels open with the first call, on the running loop.

        Raises:
            ConfigurationError: a file for encrypted connections cannot be used here.
        """
        if self._client_options.tls:
            # Here a wrong file stops the job with its name; in a call it could only be a failure.
            credentials(self._client_options.tls)
        use_case: UseCase = find_use_case(self._use_case_name)
        self._encoder = AnswerEncoder(use_case, self._topic, self._emit_features)
        client = PredictionClient(self._target, self._client_options)
        blocks = self._blocks(use_case.model, client)
        self._scoring = Scoring(use_case, blocks, client.counts, self._deadline_s)
        self._refused_rows = 0
        group = runtime_context.get_metrics_group().add_group("use_case", use_case.name)
        show_client(group, client)
        group.gauge(metrics.RULE_ROWS, lambda: self._scoring.rule_rows)
        group.gauge(metrics.REFUSED_ROWS, lambda: self._refused_rows)
        if isinstance(blocks, AdaptiveBatching):
            group.gauge(metrics.ROWS_LIMIT, lambda: blocks.limits.rows)
            group.gauge(metrics.CALLS_LIMIT, lambda: blocks.limits.calls)

    def _blocks(self, model: ModelSignature, client: PredictionClient) -> Blocks:
        objective_ms = self._client_options.latency_objective_ms
        if objective_ms is None:
            return WholeBlocks(client, model.model_name, model.signature_name)
        search = Search(objective_ms / 1000)
        return AdaptiveBatching(client, model.model_name, model.signature_name, search)

    async def async_invoke(self, value: FeatureBlock) -> list[bytes]:
        """The answer to one block."""
        try:
            return [self._encoder.encode(value, *await self._scoring(value.features))]
        except Exception as error:
            # Flink may commit a bundle without the output of an element that raised.
            _LOG.exception("no answer to a block of %d records", len(value.features))
            self._refused_rows += len(value.features)
            return [self._encoder.refuse(value, f"{type(error).__name__}: {error}")]
