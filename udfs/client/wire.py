"""The part of TensorFlow Serving's wire format that Millrace speaks.

Names and field numbers are those of `tensorflow_serving/apis` and `tensorflow/core/framework`;
the contract tests compare them. Enumerations are int32 here: the same bytes.
"""

from typing import Final

from udfs.client.schema import Fields, message_classes

_TENSOR_REST: Final[Fields] = (
    (1, "dtype", "int32"),
    (2, "tensor_shape", "TensorShapeProto"),
    (4, "tensor_content", "bytes"),
    (7, "int_val", "repeated int32"),
    (8, "string_val", "repeated bytes"),
    (10, "int64_val", "repeated int64"),
    (13, "half_val", "repeated int32"),
    (16, "uint32_val", "repeated uint32"),
    (17, "uint64_val", "repeated uint64"),
)

TABLES: Final[dict[str, Fields]] = {
    "Int64Value": ((1, "value", "int64"),),
    "ModelSpec": (
        (1, "name", "string"),
        (2, "version", "Int64Value"),
        (3, "signature_name", "string"),
        (4, "version_label", "string"),
    ),
    "Dim": ((1, "size", "int64"),),
    "TensorShapeProto": ((2, "dim", "repeated Dim"), (3, "unknown_rank", "bool")),
    # A packed field of fixed-width numbers (and of canonical bools) is on the wire what a bytes
    # field is, so reading it as bytes gives the array's memory without a Python object a value.
    "Tensor": (
        *_TENSOR_REST,
        (5, "float_val", "repeated bytes"),
        (6, "double_val", "repeated bytes"),
        (9, "scomplex_val", "repeated bytes"),
        (11, "bool_val", "repeated bytes"),
        (12, "dcomplex_val", "repeated bytes"),
    ),
    # The literal declaration, for senders that do not pack.
    "TypedTensor": (
        *_TENSOR_REST,
        (5, "float_val", "repeated float"),
        (6, "double_val", "repeated double"),
        (9, "scomplex_val", "repeated float"),
        (11, "bool_val", "repeated bool"),
        (12, "dcomplex_val", "repeated double"),
    ),
    "PredictRequest": (
        (1, "model_spec", "ModelSpec"),
        (2, "inputs", "map Tensor"),
        (3, "output_filter", "repeated string"),
    ),
    "PredictResponse": ((1, "outputs", "map Tensor"), (2, "model_spec", "ModelSpec")),
    "GetModelStatusRequest": ((1, "model_spec", "ModelSpec"),),
    "StatusProto": ((1, "error_code", "int32"), (2, "error_message", "string")),
    "ModelVersionStatus": (
        (1, "version", "int64"),
        (2, "state", "int32"),
        (3, "status", "StatusProto"),
    ),
    "GetModelStatusResponse": ((1, "model_version_status", "repeated ModelVersionStatus"),),
    "TensorInfo": (
        (1, "name", "string"),
        (2, "dtype", "int32"),
        (3, "tensor_shape", "TensorShapeProto"),
    ),
    "SignatureDef": (
        (1, "inputs", "map TensorInfo"),
        (2, "outputs", "map TensorInfo"),
        (3, "method_name", "string"),
        (4, "defaults", "map Tensor"),
    ),
    "SignatureDefMap": ((1, "signature_def", "map SignatureDef"),),
    "Any": ((1, "type_url", "string"), (2, "value", "bytes")),
    "GetModelMetadataRequest": (
        (1, "model_spec", "ModelSpec"),
        (2, "metadata_field", "repeated string"),
    ),
    "GetModelMetadataResponse": ((1, "model_spec", "ModelSpec"), (2, "metadata", "map Any")),
}

_CLASSES = message_classes("millrace.serving", TABLES)
Tensor = _CLASSES["Tensor"]
TypedTensor = _CLASSES["TypedTensor"]
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
SignatureDefMap = _CLASSES["SignatureDefMap"]

PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
GET_MODEL_STATUS: Final = "/tensorflow.serving.ModelService/GetModelStatus"
GET_MODEL_METADATA: Final = "/tensorflow.serving.PredictionService/GetModelMetadata"
