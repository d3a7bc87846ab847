"""pythie-serving's server of tables on a free port of this machine; runs where that package is.

Its own command listens on all addresses, so its service is put on a server here.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pythie_serving.table_wrapper import TablePredictionServiceServicer
from pythie_serving.tensorflow_proto.tensorflow_serving.apis import prediction_service_pb2_grpc
from pythie_serving.tensorflow_proto.tensorflow_serving.config import model_server_config_pb2


def main(folder: Path) -> None:
    """Serves the table `prices`, prints `listening on HOST:PORT`, and goes on until it is ended."""
    types = {"size": "int", "price": "int"}
    metadata = {"feature_names": ["size"], "target_name": "price", "data_type": types}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "prices.csv").write_text("size,price\n1,10\n2,20\n")
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(
        name="prices", base_path=str(folder), model_platform="table"
    )
    server = grpc.server(ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        TablePredictionServiceServicer(model_server_config=config), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
