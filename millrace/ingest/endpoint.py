"""The HTTP endpoint: records are posted, and answered once they are committed to Kafka."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from aiohttp import web

from millrace.ingest.entries import JsonEntries
from millrace.ingest.group_commit import KIND, GroupCommit
from millrace.ingest.receipts import Receipt, Receipts, digest
from millrace.ingest.requests import MAX_BODY_BYTES, Refused, body_entries, request_key
from millrace.ingest.transactions import Transactions, marks
from udfs.errors import EnvironmentFault
from udfs.use_cases.contract import UseCase

RECORDS_PATH, HEALTH_PATH = "/v1/records", "/v1/health"
_NOT_FOUND, _NOT_ALLOWED = 404, 405
_DRAIN_S = 30.0
_ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Served:
    """What an endpoint did.

    Attributes:
        requests: that were written.
        records: of them.
        unusable: of these, those that will become dead letters.
        repeated: requests that came again and were answered from memory.
        refused: requests that were not taken.
    """

    requests: int = 0
    records: int = 0
    unusable: int = 0
    repeated: int = 0
    refused: int = 0


class Endpoint:
    """Takes records over HTTP for one source, until SIGINT or SIGTERM.

    Args:
        use_case: whose records they are.
        to: transactions of the source.
        on_listening: told the address once requests are taken.
    """

    def __init__(
        self, use_case: UseCase, to: Transactions, on_listening: Callable[[str], None]
    ) -> None:
        self._to_entry = JsonEntries(use_case)
        self._group = GroupCommit(to, Receipts(marks(to.source, KIND, Receipt)))
        self._on_listening = on_listening
        self.served = Served()

    async def serve(self, host: str, port: int) -> Served:
        """Serves until it is told to stop; requests under way are finished.

        Args:
            host: address to listen on.
            port: to listen on; 0 takes a free one.

        Raises:
            EnvironmentFault: the port is taken, or the address is not ours.
            Fenced: another ingest of the source began.
            UnavailableError: the broker went away.
        """
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_DRAIN_S)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await _listen(site, host, port)
            stopped = _stopped()
            writing = asyncio.ensure_future(self._group.run())
            taken = runner.addresses[0]
            self._on_listening(f"http://{_bracketed(taken[0])}:{taken[1]}{RECORDS_PATH}")
            await asyncio.wait([writing, stopped], return_when=asyncio.FIRST_COMPLETED)
            await site.stop()
            self._group.close()
            await writing
        finally:
            await runner.cleanup()
        return self.served

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            if request.path == HEALTH_PATH:
                return _json({"status": "ok"})
            if request.path != RECORDS_PATH:
                raise Refused(_NOT_FOUND, f"there is nothing here; POST to {RECORDS_PATH}")
            if request.method != "POST":
                raise Refused(_NOT_ALLOWED, f"{RECORDS_PATH} takes POST only")
            return await self._post(request)
        except web.HTTPRequestEntityTooLarge as error:
            message = f"the body is larger than {MAX_BODY_BYTES:,} bytes; send it in parts"
            return self._refuse(Refused(error.status, message))
        except web.HTTPException as error:
            return self._refuse(Refused(error.status, error.reason))
        except Refused as refused:
            return self._refuse(refused)

    async def _post(self, request: web.Request) -> web.Response:
        key = request_key(request.headers.get("Idempotency-Key"))
        body = await request.read()
        body_digest = digest(body)
        known = self._group.known(key, body_digest)
        if known is not None:
            receipt = known if isinstance(known, Receipt) else await asyncio.shield(known)
            self.served.repeated += 1
            return _json(_answer(receipt), headers={"Idempotency-Replayed": "true"})
        entries = body_entries(self._to_entry, request.content_type, body)
        receipt = await self._group.write(key, body_digest, len(body), entries)
        self.served.requests += 1
        self.served.records += receipt.records
        self.served.unusable += receipt.unusable
        return _json(_answer(receipt))

    def _refuse(self, refused: Refused) -> web.Response:
        self.served.refused += 1
        after = refused.retry_after_s
        headers = {} if after is None else {"Retry-After": str(after)}
        return _json({"error": str(refused)}, refused.status, headers)


def _answer(receipt: Receipt) -> dict[str, object]:
    answer: dict[str, object] = {"records": receipt.records, "unusable": receipt.unusable}
    return answer if receipt.problem is None else {**answer, "problem": receipt.problem}


def _json(
    content: object, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(content),
        status=status,
        headers=headers,
        content_type="application/json",
    )


async def _listen(site: web.TCPSite, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        raise EnvironmentFault(
            f"cannot listen on {_bracketed(host)}:{port}: the port is taken or the address is not "
            "ours"
        ) from error


def _stopped() -> "asyncio.Future[None]":
    """Done once Ctrl-C or SIGTERM came."""
    loop = asyncio.get_running_loop()
    stopped = loop.create_future()

    def stop() -> None:
        # A second one breaks off.
        for number in _ENDING:
            loop.remove_signal_handler(number)
        stopped.set_result(None)

    for number in _ENDING:
        loop.add_signal_handler(number, stop)
    return stopped


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
