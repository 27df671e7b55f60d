"""uvicorn's HTTP/1.1 connection, with an end to patience.

uvicorn bounds the time between requests, but neither the time that a request's head takes to
arrive nor how long a refused upload goes on. Both hold a connection open for nothing, so both end
here.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_protocol(header_s: float, connections: int) -> type[H11Protocol]:
    """A connection class for uvicorn.

    Args:
        header_s: for a request's head to arrive, and for the rest of a refused upload.
        connections: that may be open at once; further ones are closed at once.
    """

    class PatientProtocol(H11Protocol):
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > connections:
                transport.abort()
                return
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._answering():
                self._wait_no_more()
            elif self._patience is None and self.timeout_keep_alive_task is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait_no_more()

        def _answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _wait(self) -> None:
            self._patience = self.loop.call_later(header_s, self._give_up)

        def _wait_no_more(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

        def _give_up(self) -> None:
            self._patience = None
            if not self._answering():
                self.transport.abort()

    return PatientProtocol
