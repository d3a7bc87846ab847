"""Messages that the server speaks beside the client's."""

from typing import Final

from udfs.client.schema import Fields, message_classes
from udfs.client.wire import TABLES as CLIENT_TABLES

TABLES: Final[dict[str, Fields]] = {
    **CLIENT_TABLES,
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
    "MetaGraphDef": ((5, "signature_def", "map SignatureDef"),),
    "SignatureDefMap": ((1, "signature_def", "map SignatureDef"),),
    "Any": ((1, "type_url", "string"), (2, "value", "bytes")),
    "GetModelMetadataRequest": (
        (1, "model_spec", "ModelSpec"),
        (2, "metadata_field", "repeated string"),
    ),
    "GetModelMetadataResponse": ((1, "model_spec", "ModelSpec"), (2, "metadata", "map Any")),
    "ConfigProto": (
        (2, "intra_op_parallelism_threads", "int32"),
        (5, "inter_op_parallelism_threads", "int32"),
    ),
    "ModelConfig": (
        (1, "name", "string"),
        (2, "base_path", "string"),
        (4, "model_platform", "string"),
    ),
    "ModelConfigList": ((1, "config", "repeated ModelConfig"),),
    "ModelServerConfig": ((1, "model_config_list", "ModelConfigList"),),
}

_CLASSES = message_classes("millrace.model_server", TABLES)
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
GetModelStatusRequest = _CLASSES["GetModelStatusRequest"]
GetModelStatusResponse = _CLASSES["GetModelStatusResponse"]
GetModelMetadataRequest = _CLASSES["GetModelMetadataRequest"]
GetModelMetadataResponse = _CLASSES["GetModelMetadataResponse"]
MetaGraphDef = _CLASSES["MetaGraphDef"]
SignatureDefMap = _CLASSES["SignatureDefMap"]
ConfigProto = _CLASSES["ConfigProto"]
ModelServerConfig = _CLASSES["ModelServerConfig"]
