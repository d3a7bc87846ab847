"""The blocks that stage costs are measured on."""

from benchmarks.stage_costs import raw_block
from udfs.functions.blocks import RawBlock
from udfs.functions.clean import Clean
from udfs.use_cases.fraud import FRAUD_BY_CUSTOMER as FRAUD


def test_a_made_block_holds_good_records_only() -> None:
    block = RawBlock.decode(raw_block(10, 3, [7, 8, 7]))
    clean = Clean(FRAUD, "fraud.raw", 3_600_000)(block)
    assert (clean.columns["customer_id"].tolist(), clean.dead_letters) == ([7, 8, 7], [])
