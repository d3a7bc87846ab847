"""How a channel is set up."""

from udfs.client import channel

SERVERS_MINIMUM_MS = 300_000
"""Default of `grpc.http2.min_ping_interval_without_data_ms`: who pings more often is sent away."""


def test_pings_are_rarer_than_servers_allow_and_need_a_call() -> None:
    settings = dict(channel._SETTINGS)
    assert settings["grpc.keepalive_time_ms"] > SERVERS_MINIMUM_MS
    assert settings["grpc.keepalive_permit_without_calls"] == 0
