"""The records of the fraud use case, as they stand in Kafka."""

from typing import Annotated

import msgspec

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One card payment. Amounts are integer cents, times UTC milliseconds."""

    transaction_id: Id
    customer_id: Id
    terminal_id: Id
    amount_cents: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class FraudLabel(msgspec.Struct, frozen=True, gc=False):
    """What became known of a payment: 1 or true for fraud. `event_time_ms` is when."""

    transaction_id: Id
    label: bool | Annotated[int, msgspec.Meta(ge=0, le=1)]
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
