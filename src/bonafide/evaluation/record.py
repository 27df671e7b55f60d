"""What a report says about the model: its record, as the run that made it wrote it.

Any TOML or JSON file will do; all of it is shown. Four keys mean something to the evaluation:
``name`` (of the model: runs of one name are taken for seeds of one model), ``seed``, and in a
table ``training`` the lists ``datasets``, ``species`` and ``subjects``.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from bonafide.types import BonafideError


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model's record.

    Attributes:
        name: of the model; "" when the record does not say.
        seed: as text; "" when the record does not say.
        entries: every value, flattened, such as "training.epochs" -> "200".
        training_species: PAI species it was trained on; None when the record does not say.
        training_subjects: capture subjects it was trained on; None when it does not say.
    """

    name: str = ""
    seed: str = ""
    entries: dict[str, str] = field(default_factory=dict)
    training_species: frozenset[str] | None = None
    training_subjects: frozenset[str] | None = None


def read_record(path: Path) -> ModelRecord:
    """Read run.toml, or JSON if the name ends so.

    Raises:
        BonafideError: the file cannot be read or parsed, or ``training.species`` or
            ``training.subjects`` is not a list of texts.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BonafideError(f"cannot be read ({error.strerror}).", where=str(path)) from error
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BonafideError(
            f"is not a model record: {error}.", where=str(path), remedy="Name a run.toml."
        ) from error
    if not isinstance(content, dict):
        raise BonafideError("is not a table of values.", where=str(path))
    training = content.get("training", {})
    training = training if isinstance(training, dict) else {}
    return ModelRecord(
        name=str(content.get("name", "")),
        seed=str(content.get("seed", "")),
        entries=_flat(content, ""),
        training_species=_texts(training, "species", path),
        training_subjects=_texts(training, "subjects", path),
    )


def _flat(content: dict[str, object], prefix: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            entries |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            shown = ", ".join(map(str, value[:8]))
            rest = f", ... ({len(value)} in all)" if len(value) > 8 else ""
            entries[f"{prefix}{key}"] = shown + rest
        else:
            entries[f"{prefix}{key}"] = str(value)
    return entries


def _texts(training: dict[str, object], key: str, path: Path) -> frozenset[str] | None:
    value = training.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BonafideError(
            "is not a list of texts.",
            where=f"{path}, training.{key}",
            remedy='Write it as ["one", "two"].',
        )
    return frozenset(value)
