"""The predictions stage: one asynchronous call to the model server a block."""

from pyflink.common import Time
from pyflink.datastream import AsyncDataStream, DataStream

from jobs.stages.jvm import BLOCK_TYPE
from udfs.functions.predict_function import PredictFunction

# A timeout or a retry strategy of Flink's starts one thread an element: deadlines are the client's.
_NO_TIMEOUT = Time.milliseconds(0)
_BLOCKS_IN_FLIGHT = 64


def predictions(features: DataStream, function: PredictFunction, use_case: str) -> DataStream:
    """Answer blocks of feature blocks, in the order in which the model server answers."""
    name = f"{use_case}/predictions"
    answers = AsyncDataStream.unordered_wait(
        features, function, _NO_TIMEOUT, _BLOCKS_IN_FLIGHT, BLOCK_TYPE
    )
    return answers.uid(name).name(name)
