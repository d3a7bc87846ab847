"""The gate asks a server with mutual TLS as the settings say, and judges nobody it did not ask."""

from pathlib import Path

import numpy as np
import pytest
import trustme

from jobs.options import client_options
from millrace.gate.served import Outputs, on_server
from millrace.settings import ServingSettings
from tests.contract.test_model_server_tls import config_file
from tests.unit.model_server import saved_models
from tests.unit.model_server.running_server import flags_for, running
from udfs.errors import ConfigurationError
from udfs.use_cases.fraud import FRAUD

ROWS = np.ones((3, saved_models.FEATURES), np.float32)


def written(folder: Path, authority: trustme.CA) -> ServingSettings:
    """Settings of a client whom an authority signed and that trusts nobody else."""
    folder.mkdir()
    client = authority.issue_cert("client@example.org")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))
    return ServingSettings(
        tls=True,
        tls_ca_file=folder / "ca.pem",
        tls_certificate_file=folder / "client.pem",
        tls_key_file=folder / "client.key",
    )


def asked(target: str, settings: ServingSettings) -> Outputs:
    with on_server(target, FRAUD.model, 1, client_options(settings)) as served:
        assert served.signature().inputs.keys() == {FRAUD.model.input_name}
        return served.outputs(ROWS)


def test_a_server_with_mutual_tls_is_asked_and_one_that_is_not_trusted_gives_no_verdict(
    tmp_path: Path,
) -> None:
    authority, other = trustme.CA(), trustme.CA()
    saved_models.publish(saved_models.fraud(), tmp_path / "fraud", "1")
    config = config_file(tmp_path, authority, verify=True)
    flags = flags_for("fraud", tmp_path / "fraud", f"--ssl_config_file={config}")
    with running(tmp_path / "log", *flags) as server:
        outputs = asked(server.target, written(tmp_path / "known", authority))
        # Not a DataError, which would refuse the candidate.
        with pytest.raises(ConfigurationError, match=server.target):
            asked(server.target, written(tmp_path / "stranger", other))
    expected = saved_models.expected_scores(ROWS, bias=0.0)
    assert outputs["score"] == pytest.approx(expected, abs=1e-5)
