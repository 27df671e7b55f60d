"""Write the few kinds of value that a run's record holds as TOML (the library only reads it)."""

from __future__ import annotations

import json
from collections.abc import Mapping

Value = str | bool | int | float | tuple["Value", ...] | list["Value"]


def format_toml(tables: Mapping[str, Mapping[str, Value]]) -> str:
    """Format tables of plain values; the table named "" comes first and stands at the top level.

    >>> print(format_toml({"data": {"name": "a \\"b\\"", "sizes": (1, 2.0)}}))
    [data]
    name = "a \\"b\\""
    sizes = [1, 2.0]
    <BLANKLINE>
    """
    parts = []
    for name, table in tables.items():
        header = [f"[{name}]"] if name else []
        lines = [*header, *(f"{_key(key)} = {_value(v)}" for key, v in table.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
    return key if plain else _string(key)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    return "[" + ", ".join(_value(item) for item in value) + "]"


def _string(text: str) -> str:
    # A TOML basic string is a JSON string, but for DEL, which JSON leaves alone.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
