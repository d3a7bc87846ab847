"""What a deployment remembers of itself beside its checkpoints, for the next start."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import msgspec

from udfs.errors import ConfigurationError

_FILE = "deployment.json"


class Deployment(msgspec.Struct, frozen=True):
    """What the running state was built by.

    Attributes:
        feature_spec_hash: the definition of the features.
        quiet: by topic stage and partition, the first offset whose outputs are written.
        begin: likewise, where Kafka goes on behind an archive.
        filled: URI of the checkpoint in which its windows were filled from an archive.
    """

    feature_spec_hash: str
    quiet: Mapping[str, Mapping[int, int]] = {}
    begin: Mapping[str, Mapping[int, int]] = {}
    filled: str | None = None


def remember(checkpoints: str, deployment: Deployment) -> None:
    """Writes it below a `file:` URI; elsewhere nothing is remembered."""
    file = _file(checkpoints)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_suffix(".part")
        written.write_bytes(msgspec.json.encode(deployment))
        written.replace(file)


def remembered(checkpoints: str) -> Deployment | None:
    """What the last start wrote; None when nothing is known.

    Raises:
        ConfigurationError: the file is not what it should be.
    """
    file = _file(checkpoints)
    try:
        return None if file is None else msgspec.json.decode(file.read_bytes(), type=Deployment)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error


def require_same_spec(name: str, before: Deployment, feature_spec_hash: str) -> None:
    """Refuses to go on from state of other features.

    Raises:
        ConfigurationError: the spec has changed; the message says what to do.
    """
    if before.feature_spec_hash != feature_spec_hash:
        raise ConfigurationError(
            f"the state of deployment {name} was built for feature spec "
            f"{before.feature_spec_hash}, the use case has {feature_spec_hash} now: stop it, and "
            f"start another one in its place with a new score.transactional_id_prefix and "
            f"`millrace run score --after {name}`, with --bootstrap ARCHIVE where the topics do "
            "not reach back over the longest window"
        )


def _file(checkpoints: str) -> Path | None:
    parts = urlparse(checkpoints)
    return Path(parts.path) / _FILE if parts.scheme == "file" else None
