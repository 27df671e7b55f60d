"""Settings of a run: one flat frozen dataclass a model family, read from TOML and saved in the run.

A family's dataclass stands beside its task (`ms_fans_settings`, ...); what all have in common is
`RunSettings`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from bonafide.training.toml import format_toml
from bonafide.types import BonafideError

if TYPE_CHECKING:
    from dataclasses import Field

MIXED = "bf16-mixed"
PRECISIONS = ("32-true", MIXED)


class RunSettings(Protocol):
    """What the loop reads of any family's settings.

    Attributes:
        steps: optimisation steps of the whole run.
        batch: samples a step, over all processes.
        accumulate: parts that a process takes its share of a batch in, where memory is short; the
            gradient is that of the whole batch (batch norm sees the parts).
        evaluate_every: steps between two measurements on the development set.
        patience: measurements without improvement before stopping early; 0 never stops.
        seed: of weights, order and augmentation.
        precision: 32-true or bf16-mixed.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102
    @property
    def accumulate(self) -> int: ...  # noqa: D102
    @property
    def evaluate_every(self) -> int: ...  # noqa: D102
    @property
    def patience(self) -> int: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def precision(self) -> str: ...  # noqa: D102


Settings = TypeVar("Settings", bound=RunSettings)


def check_common(settings: RunSettings) -> None:
    """Refuse values that no family can train with.

    Raises:
        BonafideError: names the setting and what is allowed.
    """
    require(settings.precision in PRECISIONS, "precision", f"one of {PRECISIONS}")
    for name in ("batch", "steps", "evaluate_every", "accumulate"):
        require(getattr(settings, name) > 0, name, "a positive whole number")
    require(settings.patience >= 0, "patience", "0 or a positive whole number")


def require(holds: bool, field: str, rule: str) -> None:
    """Raise the error of a setting out of range unless the rule holds."""
    if not holds:
        raise BonafideError(
            "is out of range.", where=f"training setting {field!r}", remedy=f"Allowed: {rule}."
        )


def settings_from(kind: type[Settings], values: Mapping[str, Any], *, where: str) -> Settings:
    """Make a family's settings from parsed TOML; an unknown key is an error.

    Raises:
        BonafideError: names the unknown keys and the known ones.
    """
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise BonafideError(
            f"unknown settings {unknown}.",
            where=where,
            remedy=f"Known settings: {', '.join(sorted(known))}.",
        )
    return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


def load_settings(kind: type[Settings], path: Path) -> Settings:
    """Read the [settings] table of a run.toml or a settings file of the user's.

    Raises:
        BonafideError: the file is missing, not TOML, or has unknown settings.
    """
    parsed = read_toml(path)
    return settings_from(kind, parsed.get("settings", parsed), where=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        BonafideError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BonafideError(
            f"cannot be read as TOML ({error}).",
            where=str(path),
            remedy="Write one setting a line below [settings], such as: steps = 2000.",
        ) from error


def format_settings(settings: RunSettings) -> str:
    """The [settings] table as TOML."""
    return format_toml({"settings": asdict(settings)})
