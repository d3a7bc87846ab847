"""The clean and features stages, in one Python function on whole blocks."""

from pyflink.datastream import DataStream, KeyedStream

from udfs.functions.feature_function import FeatureFunction


def features(blocks: KeyedStream, use_case: str, topic: str, max_clock_skew_ms: int) -> DataStream:
    """Feature blocks of raw blocks; records that cannot be used travel along as dead letters.

    The next stage chains onto this one in the same worker, so a feature block is handed over as
    it is; its type is the pickled default for the case that chaining is switched off.
    """
    name = f"{use_case}/features"
    function = FeatureFunction(use_case, topic, max_clock_skew_ms)
    return blocks.process(function).uid(name).name(name)
