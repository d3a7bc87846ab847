"""What a model takes and gives, and where its outputs stand in a prediction."""

from dataclasses import dataclass

from udfs.errors import UseCaseError
from udfs.records import Prediction

_OUTPUT_DTYPES = ("float32", "int64", "bool")
_INPUT_DTYPES = ("float32", "float64", "int64", "int32")


@dataclass(frozen=True)
class Output:
    """One tensor that the model gives, and where it stands in a prediction.

    Attributes:
        tensor: name of the signature's output.
        field: name of the prediction's field.
        dtype: `float32`, `int64` or `bool`.
        width: None for one value a row, shape (n,); k for a list of k values, shape (n, k).
        limits: the lowest and the highest value that it takes; labels beyond are learnt as the
            nearer one. None: any.

    >>> Output("items", "items", "int64", 20).shape(3)
    (3, 20)
    """

    tensor: str
    field: str
    dtype: str = "float32"
    width: int | None = None
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuses what no prediction can hold.

        Raises:
            UseCaseError: the dtype is another one, or predictions have such a field anyway.
        """
        if self.dtype not in _OUTPUT_DTYPES:
            raise UseCaseError(
                f"output {self.tensor!r} has dtype {self.dtype!r}; "
                f"it is one of {', '.join(_OUTPUT_DTYPES)}"
            )
        if self.field in Prediction.__struct_fields__:
            raise UseCaseError(
                f"output {self.tensor!r} is to stand in field {self.field!r}, which every "
                "prediction has for something else; take another name"
            )

    def shape(self, rows: int) -> tuple[int, ...]:
        """The shape of the output for so many rows."""
        return (rows,) if self.width is None else (rows, self.width)


SCORE = Output("score", "output")
"""How likely a yes-or-no label is, from 0 to 1."""

DECISION = Output("decision", "decision", "bool")
"""Whether the score reaches the version's threshold."""


@dataclass(frozen=True)
class ModelSignature:
    """The model's name and the tensors it takes and gives.

    The model takes `input_name`, of shape (n, features) and `input_dtype`, and gives the outputs.
    Thresholds, scaling and vocabularies live inside the SavedModel, so they travel with its
    version.
    """

    model_name: str
    signature_name: str = "serving_default"
    input_name: str = "features"
    input_dtype: str = "float32"
    outputs: tuple[Output, ...] = (SCORE, DECISION)

    def __post_init__(self) -> None:
        """Refuses a name that is no folder's, and outputs that cannot be told apart.

        Raises:
            UseCaseError: the name is empty or has a slash or colon, the dtype is another one, there
                is no output, or two share a tensor or a field.
        """
        if not self.model_name or self.model_name[0] == "." or set(self.model_name) & set("/\\: "):
            raise UseCaseError(
                f"model_name is {self.model_name!r}; it names a folder of models, so it has "
                "neither slashes, colons nor blanks, and does not begin with a dot"
            )
        if self.input_dtype not in _INPUT_DTYPES:
            raise UseCaseError(
                f"input_dtype of model {self.model_name!r} is {self.input_dtype!r}; "
                f"it is one of {', '.join(_INPUT_DTYPES)}"
            )
        for what in ("tensor", "field"):
            names = [getattr(output, what) for output in self.outputs]
            if not names or len(set(names)) < len(names):
                raise UseCaseError(
                    f"outputs of model {self.model_name!r} have the {what}s {', '.join(names)}; "
                    "there is at least one, and each has a name of its own"
                )
