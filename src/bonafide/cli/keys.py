"""`bonafide keys`: API keys of the service."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.service.database import Database

keys_app = typer.Typer(name="keys", help="API keys of the service.", no_args_is_help=True)

Store = Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://..., as `serve` has it.")]


@keys_app.command()
def add(
    name: Annotated[str, typer.Argument(help="Whom it is for.")],
    store: Store,
    per_minute: Annotated[float | None, typer.Option(help="A limit of its own.")] = None,
    concurrent: Annotated[int | None, typer.Option(help="Open requests of its own.")] = None,
) -> None:
    """Make a key and print it, once; only its hash is kept."""
    import time

    from bonafide.service.keys import hash_secret, new_key
    from bonafide.service.store import KeyRow, add_key

    for limit in (per_minute, concurrent):
        if limit is not None and not limit > 0:
            raise BonafideError("a limit must be above 0.", remedy="Leave it out for the default.")
    key_id, key = new_key()
    row = KeyRow(key_id, name, hash_secret(key), time.time(), None, per_minute, concurrent)
    with closing(_open(store)) as database:
        add_key(database, row)
        database.commit()
    print(key)


@keys_app.command("list")
def list_(store: Store) -> None:
    """All keys: id, name, made, revoked. Never the key."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from bonafide.service.store import list_keys

    def day(seconds: float | None) -> str:
        return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"

    table = Table(Column("id", no_wrap=True), "name", "made", "revoked", "a minute", "at once")
    with closing(_open(store)) as database:
        found = list_keys(database)
    for key in found:
        limits = [str(limit or "") for limit in (key.per_minute, key.concurrent)]
        row = [key.key_id, escape(key.name), day(key.created_at), day(key.revoked_at), *limits]
        table.add_row(*row)
    Console().print(table)


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `bonafide keys list` shows it.")], store: Store
) -> None:
    """End a key; a running service notices within five seconds."""
    import time

    from bonafide.service.store import revoke_key

    with closing(_open(store)) as database:
        done = revoke_key(database, key_id, time.time())
        database.commit()
    if not done:
        raise BonafideError(
            "no valid key has this id.", where=key_id, remedy="See: bonafide keys list."
        )


def _open(store: str) -> Database:
    from bonafide.service.database import open_database
    from bonafide.service.store import create_tables

    database = open_database(store)
    create_tables(database)
    database.commit()
    return database
