"""The records of the recommendation use case, as they stand in Kafka."""

from typing import Annotated

import msgspec

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Click(msgspec.Struct, frozen=True, gc=False):
    """A visitor looks at an item. Times are UTC milliseconds.

    Where visitors are not known, `visitor_id` is the number of the session.
    """

    click_id: Id
    visitor_id: Id
    item_id: Id
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
