"""What a model of numbers learns: labels as far as the use case's output goes."""

from dataclasses import replace

import numpy as np

from training.dataset import Dataset
from udfs.use_cases.contract import ModelSignature


def learnt(part: Dataset, signature: ModelSignature) -> Dataset:
    """The rows with labels cut to the limits of the signature's first output.

    Whatever a use case declares there holds for every framework: a model that is fitted to labels
    which its use case never answers spends its fit on them, and loses by the use case's measures.
    """
    limits = signature.outputs[0].limits
    return part if limits is None else replace(part, labels=np.clip(part.labels, *limits))
