"""Messages that the server speaks beside the client's."""

from typing import Final

from udfs.client.schema import Fields, message_classes
from udfs.client.wire import TABLES as CLIENT_TABLES

TABLES: Final[dict[str, Fields]] = {
    **CLIENT_TABLES,
    "MetaGraphDef": ((5, "signature_def", "map SignatureDef"),),
    "ConfigProto": (
        (2, "intra_op_parallelism_threads", "int32"),
        (5, "inter_op_parallelism_threads", "int32"),
    ),
    "VersionPolicyLatest": ((1, "num_versions", "uint32"),),
    "VersionPolicyAll": (),
    "VersionPolicySpecific": ((1, "versions", "repeated int64"),),
    "ServableVersionPolicy": (
        (100, "latest", "VersionPolicyLatest"),
        (101, "all", "VersionPolicyAll"),
        (102, "specific", "VersionPolicySpecific"),
    ),
    "ModelConfig": (
        (1, "name", "string"),
        (2, "base_path", "string"),
        (4, "model_platform", "string"),
        (7, "model_version_policy", "ServableVersionPolicy"),
        (8, "version_labels", "map int64"),
    ),
    "ModelConfigList": ((1, "config", "repeated ModelConfig"),),
    "ModelServerConfig": (
        (1, "model_config_list", "ModelConfigList"),
        (2, "custom_model_config", "Any"),
    ),
    "PrometheusConfig": ((1, "enable", "bool"), (2, "path", "string")),
    "MonitoringConfig": ((1, "prometheus_config", "PrometheusConfig"),),
    "ReloadConfigRequest": (
        (1, "config", "ModelServerConfig"),
        (2, "metric_names", "repeated string"),
    ),
    "Metric": ((1, "name", "string"), (2, "int64_value_increase", "int64")),
    "ReloadConfigResponse": ((1, "status", "StatusProto"), (2, "metric", "repeated Metric")),
    "SSLConfig": (
        (1, "server_key", "string"),
        (2, "server_cert", "string"),
        (3, "custom_ca", "string"),
        (4, "client_verify", "bool"),
    ),
    "Int64Wrapper": ((1, "value", "int64"),),
    "StringWrapper": ((1, "value", "string"),),
    "BoolWrapper": ((1, "value", "bool"),),
    "BatchingParameters": (
        (1, "max_batch_size", "Int64Wrapper"),
        (2, "batch_timeout_micros", "Int64Wrapper"),
        (3, "max_enqueued_batches", "Int64Wrapper"),
        (4, "num_batch_threads", "Int64Wrapper"),
        (5, "thread_pool_name", "StringWrapper"),
        (6, "allowed_batch_sizes", "repeated int64"),
        (7, "pad_variable_length_inputs", "bool"),
        (8, "enable_large_batch_splitting", "BoolWrapper"),
        (9, "max_execution_batch_size", "Int64Wrapper"),
    ),
    # Examples as the bytes that the graph parses, which is how TensorFlow Serving reads Input.
    "ExampleList": ((1, "examples", "repeated bytes"),),
    "ExampleListWithContext": ((1, "examples", "repeated bytes"), (2, "context", "bytes")),
    "Input": (
        (1, "example_list", "ExampleList"),
        (2, "example_list_with_context", "ExampleListWithContext"),
    ),
    "Class": ((1, "label", "bytes"), (2, "score", "float")),
    "Classifications": ((1, "classes", "repeated Class"),),
    "ClassificationResult": ((1, "classifications", "repeated Classifications"),),
    "ClassificationRequest": ((1, "model_spec", "ModelSpec"), (2, "input", "Input")),
    "ClassificationResponse": (
        (1, "result", "ClassificationResult"),
        (2, "model_spec", "ModelSpec"),
    ),
    "Regression": ((1, "value", "float"),),
    "RegressionResult": ((1, "regressions", "repeated Regression"),),
    "RegressionRequest": ((1, "model_spec", "ModelSpec"), (2, "input", "Input")),
    "RegressionResponse": ((1, "result", "RegressionResult"), (2, "model_spec", "ModelSpec")),
    "InferenceTask": ((1, "model_spec", "ModelSpec"), (2, "method_name", "string")),
    "InferenceResult": (
        (1, "model_spec", "ModelSpec"),
        (2, "classification_result", "ClassificationResult"),
        (3, "regression_result", "RegressionResult"),
    ),
    "MultiInferenceRequest": ((1, "tasks", "repeated InferenceTask"), (2, "input", "Input")),
    "MultiInferenceResponse": ((1, "results", "repeated InferenceResult"),),
    "PredictLog": ((1, "request", "PredictRequest"),),
    "ClassifyLog": ((1, "request", "ClassificationRequest"),),
    "RegressLog": ((1, "request", "RegressionRequest"),),
    "MultiInferenceLog": ((1, "request", "MultiInferenceRequest"),),
    "OtherLog": (),
    "PredictionLog": (
        (2, "classify_log", "ClassifyLog"),
        (3, "regress_log", "RegressLog"),
        (4, "multi_inference_log", "MultiInferenceLog"),
        (5, "session_run_log", "OtherLog"),
        (6, "predict_log", "PredictLog"),
        (7, "predict_streamed_log", "OtherLog"),
    ),
    # grpc.health.v1
    "HealthCheckRequest": ((1, "service", "string"),),
    "HealthCheckResponse": ((1, "status", "int32"),),
}

_CLASSES = message_classes("millrace.model_server", TABLES)
ModelSpec = _CLASSES["ModelSpec"]
Tensor = _CLASSES["Tensor"]
TensorShapeProto = _CLASSES["TensorShapeProto"]
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
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]
BatchingParameters = _CLASSES["BatchingParameters"]
ReloadConfigRequest = _CLASSES["ReloadConfigRequest"]
ReloadConfigResponse = _CLASSES["ReloadConfigResponse"]
ClassificationRequest = _CLASSES["ClassificationRequest"]
ClassificationResponse = _CLASSES["ClassificationResponse"]
RegressionRequest = _CLASSES["RegressionRequest"]
RegressionResponse = _CLASSES["RegressionResponse"]
MultiInferenceRequest = _CLASSES["MultiInferenceRequest"]
MultiInferenceResponse = _CLASSES["MultiInferenceResponse"]
PredictionLog = _CLASSES["PredictionLog"]
HealthCheckRequest = _CLASSES["HealthCheckRequest"]
HealthCheckResponse = _CLASSES["HealthCheckResponse"]
