"""The application: routes, their description, and the start and end of everything behind them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from bonafide.service import store
from bonafide.service.logs import log
from bonafide.service.refusal import Refusal
from bonafide.service.routes import add_routes
from bonafide.service.settings import ServiceSettings
from bonafide.service.shell import Shell
from bonafide.service.state import Service
from bonafide.version import __version__

PURGE_EVERY_S = 60.0
PAGE = Path(__file__).parent / "page"

DESCRIPTION = """Face presentation attack detection: a live face, or a print, a screen, a mask?

An answer's `decision` is `bona_fide`, `attack` or `not_evaluated`; `accepted` is true for the first
alone. Every response carries `X-Request-Id`, which a request may set (1 to 64 letters, digits, `.`,
`_`, `-`). A request without a verdict gets a `code`, a `problem` and a `remedy`; 429 and 503 name
the seconds to wait in `Retry-After`. Where keys are required, send `Authorization: Bearer KEY`."""


def create_app(settings: ServiceSettings) -> FastAPI:
    """Build the application; workers start with it.

    Raises:
        BonafideError: the model file is not one that is opened, or the database does not answer.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.pool.start()
        cleaner = asyncio.create_task(_clean(service))
        log("started", {"model": service.pool.greeting["model"]["sha256"],
                        "workers": settings.workers,
                        "sealed": service.pool.greeting["sealed"]})  # fmt: skip
        try:
            yield
        finally:
            cleaner.cancel()
            with suppress(asyncio.CancelledError):
                await cleaner
            await service.pool.stop()
            service.ledger.close()
            log("stopped", {})

    app = FastAPI(
        title="bonafide", version=__version__, description=DESCRIPTION, lifespan=lifespan,
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.service = service
    app.add_middleware(Shell, service=service)
    app.add_exception_handler(HTTPException, _raise_again)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refusal, _raise_again)
    add_routes(app, service)
    if settings.page:
        from bonafide.service.page_files import add_page

        add_page(app, PAGE)
    return app


async def _clean(service: Service) -> None:
    while True:
        now = time.time()
        grace_s = service.settings.session_s
        with suppress(Refusal):
            count = await service.call(store.purge, now, grace_s)
            if count:
                log("purged", {"pictures": count})
        await asyncio.sleep(PURGE_EVERY_S)


async def _raise_again(_: Request, error: Exception) -> JSONResponse:
    raise error  # to the shell, which words all refusals


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = dict(error.errors()[0])
    where = ".".join(str(part) for part in first["loc"][:2])
    raise Refusal("invalid_parameter", f"{where} is not as described.", "See /openapi.json.")
