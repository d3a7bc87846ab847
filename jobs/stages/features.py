"""The clean and features stages, in one Python function on whole blocks."""

from pyflink.datastream import DataStream, KeyedStream

from udfs.functions.feature_function import FeatureFunction


def features(blocks: KeyedStream, function: FeatureFunction, name: str, shards: int) -> DataStream:
    """Feature blocks of raw blocks; records that cannot be used travel along as dead letters.

    The next stage chains onto this one in the same worker, so a feature block is handed over as
    it is; its type is the pickled default for the case that chaining is switched off.
    """
    # State is found again by the use case's name, however it was referred to, and by the number
    # of shards: with another number keys would meet the windows of other keys, or none.
    uid = f"{name}/features/{shards}"
    return blocks.process(function).uid(uid).name(f"{name}/features")
