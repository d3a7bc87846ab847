"""The clean and features stages, in one Python function on whole blocks."""

from pyflink.datastream import DataStream, KeyedStream

from udfs.functions.feature_function import FeatureFunction


def features(
    blocks: KeyedStream, use_case: str, name: str, topic: str, max_clock_skew_ms: int
) -> DataStream:
    """Feature blocks of raw blocks; records that cannot be used travel along as dead letters.

    The next stage chains onto this one in the same worker, so a feature block is handed over as
    it is; its type is the pickled default for the case that chaining is switched off.
    """
    function = FeatureFunction(use_case, topic, max_clock_skew_ms)
    # By the use case's name, however it was referred to: the state is found again by it.
    uid = f"{name}/features"
    return blocks.process(function).uid(uid).name(uid)
