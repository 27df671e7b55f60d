"""Start the HTTP server."""

from __future__ import annotations

import uvicorn

from bonafide.service.app import create_app
from bonafide.service.logs import set_up_logs
from bonafide.service.model_file import check_model_file
from bonafide.service.protocol import patient_protocol
from bonafide.service.settings import ServiceSettings
from bonafide.types import BonafideError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
KEEP_ALIVE_S = 15
GOODBYE_S = 25


def make_server(
    settings: ServiceSettings, host: str, port: int, *, open_to_all: bool = False
) -> uvicorn.Server:
    """A server that has not started yet.

    Args:
        settings: of the service.
        host, port: where it listens.
        open_to_all: the operator said that whoever reaches the address may use it.

    Raises:
        BonafideError: the model file is not ONNX, the database does not answer, or the address can
            be reached from outside and no key is required.
    """
    check_model_file(settings.model)
    if host not in LOOPBACK and not settings.require_key and not open_to_all:
        raise BonafideError(
            f"{host} can be reached from other machines, and no key is required.",
            where="--host",
            remedy="Add --store URL --require-key, or --open if anybody there may use it.",
        )
    config = uvicorn.Config(
        create_app(settings), host=host, port=port, log_config=None, access_log=False,
        http=patient_protocol(settings.header_s, settings.connections), ws="none",
        server_header=False, proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S, backlog=1024,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(settings: ServiceSettings, host: str, port: int, *, open_to_all: bool) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what is open, and end."""
    set_up_logs()
    server = make_server(settings, host, port, open_to_all=open_to_all)
    server.run()
    if not server.started:
        raise BonafideError(
            f"the service could not start on {host}:{port}.", remedy="The lines above say why."
        )
