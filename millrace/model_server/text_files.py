"""Files in protobuf's text format, as TensorFlow Serving's flags name them."""

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from udfs.errors import ConfigurationError


def read_text_proto(file: Path, message_class: Any, kind: str, *, secret: bool = False) -> Any:
    """The message that a file holds.

    Args:
        file: the file.
        message_class: what it should be.
        kind: the name of that, for the error.
        secret: the error must not show what the file holds.

    Raises:
        ConfigurationError: the file cannot be read, or is not what it should be.
    """
    try:
        return text_format.Parse(file.read_text(), message_class())
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    except (text_format.ParseError, UnicodeDecodeError) as error:
        if secret:
            line = getattr(error, "GetLine", lambda: None)()
            raise ConfigurationError(f"{file} is no {kind}: see line {line or 1}") from None
        reason = str(error).replace("\n", " ").replace("millrace.model_server.", "")
        raise ConfigurationError(f"{file} is no {kind}: {reason}") from error
