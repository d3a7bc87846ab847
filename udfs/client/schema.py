"""Builds protobuf message classes from plain tables, apart from every other registry.

TensorFlow registers its own messages in protobuf's default pool. Ours live in a pool of their
own, so both can be loaded into one process, in either order.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Fields = tuple[tuple[int, str, str], ...]
"""Fields of a message as (number, name, type).

A type is a protobuf scalar or the name of a message of the same table, after `repeated ` or
`map ` (from string to that type) where it applies.
"""

_Field = descriptor_pb2.FieldDescriptorProto
_Message = descriptor_pb2.DescriptorProto
_SCALARS: dict[str, Any] = {
    name: getattr(_Field, f"TYPE_{name.upper()}")
    for name in "string bytes bool float double int32 int64 uint32 uint64".split()
}


def message_classes(package: str, tables: Mapping[str, Fields]) -> dict[str, Any]:
    """Message classes by name, for tables that refer to each other only.

    >>> classes = message_classes("example", {"Dim": ((1, "size", "int64"),)})
    >>> classes["Dim"](size=-1).SerializeToString().hex()
    '08ffffffffffffffffff01'
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in tables.items():
        _describe(file.message_type.add(name=name), f".{package}", fields)
    # The pool's types are partly missing upstream.
    pool: Any = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{package}.{name}") for name in tables}
    return {name: message_factory.GetMessageClass(found[name]) for name in tables}


def _describe(message: _Message, scope: str, fields: Fields) -> None:
    for number, name, declared in fields:
        label, _, type_name = declared.rpartition(" ")
        if label == "map":
            type_name = _map_entry(message, scope, name, type_name)
        _add_field(message, scope, number, name, type_name, repeated=bool(label))


def _map_entry(message: _Message, scope: str, name: str, value: str) -> str:
    # The wire format of a map is a repeated message of key and value with this name.
    entry_name = "".join(part.capitalize() for part in name.split("_")) + "Entry"
    entry = message.nested_type.add(name=entry_name)
    entry.options.map_entry = True
    _add_field(entry, scope, 1, "key", "string", repeated=False)
    _add_field(entry, scope, 2, "value", value, repeated=False)
    return f"{message.name}.{entry_name}"


def _add_field(
    message: _Message, scope: str, number: int, name: str, type_name: str, *, repeated: bool
) -> None:
    label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if type_name in _SCALARS:
        field.type = _SCALARS[type_name]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f"{scope}.{type_name}"
