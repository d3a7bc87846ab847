"""The records of the maintenance use case, as they stand in Kafka."""

from typing import Annotated

import msgspec

SETTINGS, SENSORS = 3, 21

CYCLE_MS = 2_000
"""Event time from one reading of a machine to its next, in the generator and in replays."""

Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Measured = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a machine's sensors showed in one cycle; the event time is UTC milliseconds."""

    reading_id: Id
    unit_id: Id
    cycle: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    settings: Annotated[list[_Measured], msgspec.Meta(min_length=SETTINGS, max_length=SETTINGS)]
    sensors: Annotated[list[_Measured], msgspec.Meta(min_length=SENSORS, max_length=SENSORS)]


class Failure(msgspec.Struct, frozen=True, gc=False):
    """A machine's end of life: it labels all readings of the machine before it."""

    unit_id: Id
    cycle: Annotated[int, msgspec.Meta(ge=0, le=2**31)]
    event_time_ms: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
