"""The block form's way through JVM and Python with nothing done in Python: what transport costs."""

from collections.abc import Iterator

from pyflink.datastream import KeyedProcessFunction

from benchmarks.assignment import Assignment
from benchmarks.contestants.flink import job_environment
from benchmarks.contestants.score import options
from jobs.inputs import consumer_properties
from jobs.score import producer_properties
from jobs.stages.answers import write_answers
from jobs.stages.jvm import BLOCK_TYPE, keyed_by_shard
from jobs.stages.raw import Packing, raw_blocks
from udfs.functions.answers import PREDICTIONS
from udfs.functions.blocks import RawBlock, encode_lines

_BLOCK_BYTES = 4 * 1024 * 1024


class EchoFunction(KeyedProcessFunction):
    """Answers a block with its own values. Keyed by shard, no state."""

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[bytes]:
        """Yields the values of the block as an answer."""
        block = RawBlock.decode(value)
        lines = b"".join(record + b"\n" for record in block.values if record is not None)
        yield encode_lines(PREDICTIONS, block.keys, lines)


def run(assignment: Assignment) -> None:
    """Runs the job to its end."""
    env = job_environment(assignment, "blocks without work")
    given, target = options(assignment), assignment.settings
    blocks = raw_blocks(
        env,
        assignment.raw_topics[0],
        assignment.deployment,
        bounded=assignment.bounded,
        start=given.start,
        properties=consumer_properties(given),
        packing=Packing(given.shards, target.block_records, _BLOCK_BYTES, target.linger_ms),
    )
    echoed = keyed_by_shard(blocks).process(EchoFunction(), BLOCK_TYPE)
    write_answers(
        echoed._j_data_stream,
        "echo",
        [assignment.predictions],
        exactly_once=assignment.exactly_once,
        transactional_id_prefix=f"{assignment.deployment}/echo",
        properties=producer_properties(given),
    )
    env.execute()
