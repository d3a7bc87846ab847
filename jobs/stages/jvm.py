"""The bridge to the Java half of the block form (`deploy/flink/src`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from py4j.java_gateway import JavaPackage
from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.java_gateway import get_gateway

from udfs.errors import EnvironmentFault
from udfs.functions.blocks import LAYOUT_VERSION

_SERVER = ".py4j.Gateway"
BLOCK_TYPE = Types.PRIMITIVE_ARRAY(Types.BYTE())


def blocks() -> Any:
    """The Java class `millrace.flink.Blocks`.

    Raises:
        EnvironmentFault: its JAR is not on the class path, or of another version.
    """
    java = get_gateway().jvm.millrace.flink.Blocks
    # Py4J takes a name that it cannot find for a package.
    if isinstance(java, JavaPackage):
        raise EnvironmentFault(
            "the JAR millrace-flink-blocks is not on Flink's class path: run `make jars`, or put "
            "it beside the Kafka connector in pipeline.jars"
        )
    version = java.VERSION
    if version != LAYOUT_VERSION:
        raise EnvironmentFault(
            f"the JAR millrace-flink-blocks has block layout {version}, this package "
            f"{LAYOUT_VERSION}: build it anew with `make jars`"
        )
    return java


def share_jars() -> None:
    """Lets every connection to the JVM find the classes of the JARs that a job was given.

    PyFlink adds JARs to the class loader of the one JVM thread that serves the connection it just
    used. While another Python thread is served, be it by the garbage collector, a call goes over
    another connection, whose thread has not heard of them.
    """
    thread = get_gateway().jvm.Thread
    loader = thread.currentThread().getContextClassLoader()
    for each in thread.getAllStackTraces().entrySet().toArray():
        # The one that accepts connections hands its loader on to those that will serve them.
        frames = each.getValue()
        # Below what each runs lies `Thread.run` only.
        if len(frames) > 1 and _SERVER in frames[len(frames) - 2].getClassName():
            each.getKey().setContextClassLoader(loader)


def java_map(entries: Mapping[str, str]) -> Any:
    """A `java.util.HashMap` of the entries."""
    result = get_gateway().jvm.java.util.HashMap()
    for key, value in entries.items():
        result.put(key, value)
    return result


def string_array(values: Sequence[str]) -> Any:
    """A Java array of strings."""
    gateway = get_gateway()
    array = gateway.new_array(gateway.jvm.java.lang.String, len(values))
    for place, value in enumerate(values):
        array[place] = value
    return array


def int_array(values: Sequence[int]) -> Any:
    """A Java array of ints."""
    gateway = get_gateway()
    array = gateway.new_array(gateway.jvm.int, len(values))
    for place, value in enumerate(values):
        array[place] = value
    return array


def united(*streams: Any) -> Any:
    """One Java stream of several of the same type."""
    first, *others = streams
    gateway = get_gateway()
    stream_class = gateway.jvm.org.apache.flink.streaming.api.datastream.DataStream
    array = gateway.new_array(stream_class, len(others))
    for place, other in enumerate(others):
        array[place] = other
    return first.union(array)


def in_order(packed: Any, name: str, block_records: int) -> Any:
    """A Java stream of Row(shard, block) whose records go on in the order of event time."""
    return blocks().order(by_shard(packed), name, block_records)


def keyed_by_shard(packed: Any) -> KeyedStream:
    """A Java stream of Row(shard, block) as the keyed stream of blocks that Python works on.

    PyFlink's own `key_by` computes the key in a Python worker, one hop more for every block. The
    key is in the row already, in the form PyFlink would have given it, so Flink's
    `KeyByKeySelector` can take it out in the JVM. This leans on PyFlink's internals and has a
    test of its own.
    """
    return KeyedStream(by_shard(packed), BLOCK_TYPE, DataStream(packed))


def by_shard(packed: Any) -> Any:
    """A Java stream of Row(shard, block), keyed by the shard."""
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    return packed.keyBy(selector, Types.ROW([Types.INT()]).get_java_type_info())
