"""Every loader by its name, and the record that says how a sample table was made."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

from bonafide.datasets.casia_fasd import casia_fasd
from bonafide.datasets.casia_surf import casia_surf
from bonafide.datasets.errors import LayoutError
from bonafide.datasets.folders import FolderForm, folders
from bonafide.datasets.manifest import ManifestForm, manifest
from bonafide.datasets.mipd import mipd
from bonafide.datasets.msu_mfsd import msu_mfsd
from bonafide.datasets.oulu_npu import oulu_npu
from bonafide.datasets.protocol import DEFAULT_SEED, count_rows
from bonafide.datasets.replay_attack import replay_attack
from bonafide.datasets.sample_table import digest_of
from bonafide.datasets.siw import siw
from bonafide.types import Presentation, Split
from bonafide.version import __version__


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks of a loader; None and empty mappings are "not asked".

    Attributes:
        protocol, fold, seed, light, support: see the loader.
        dataset: the name to give to data of a manifest or folder.
        columns, labels, species, splits: see `ManifestForm`.
        subject_pattern: see `FolderForm`.
        partial: only a part of the files is there.
    """

    protocol: str | None = None
    fold: int | None = None
    seed: int | None = None
    light: str | None = None
    support: str | None = None
    dataset: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    species: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    subject_pattern: str | None = None
    partial: bool = False


class Loader(NamedTuple):
    """A loader behind one signature.

    Attributes:
        load: (root, what was asked with defaults filled in) -> checked rows.
        defaults: the options that it takes, with what they are when not asked.
        remark: what a reader of the table must know.
    """

    load: Callable[[Path, Asked], list[Presentation]]
    defaults: Mapping[str, object]
    remark: str = ""


class Indexed(NamedTuple):
    """A loaded data set with what it was loaded by."""

    rows: list[Presentation]
    settings: dict[str, object]
    remarks: list[str]


def load(name: str, root: Path, asked: Asked | None = None) -> Indexed:
    """Load a data set by its name.

    Args:
        name: a key of `LOADERS`.
        root: its folder; for "manifest" its file.
        asked: options; one that the loader does not take is an error, never ignored.

    Raises:
        LayoutError: no such loader or option.
        DatasetError: what the loader finds.
    """
    asked = asked or Asked()
    if name not in LOADERS:
        raise LayoutError(
            "is no known data set.", where=name, remedy=f"Known are {', '.join(LOADERS)}."
        )
    loader = LOADERS[name]
    given = {
        item.name: getattr(asked, item.name)
        for item in fields(asked)
        if item.name != "partial" and getattr(asked, item.name) not in (None, {})
    }
    strange = sorted(set(given) - set(loader.defaults))
    if strange:
        raise LayoutError(
            f"takes no option {', '.join(strange)}.",
            where=name,
            remedy=f"It takes {', '.join(loader.defaults) or 'none'}.",
        )
    settings = {**loader.defaults, **given}
    rows = loader.load(root, replace(asked, **settings))
    settings = {key: value for key, value in settings.items() if value not in ("", {}, None)}
    remarks = [loader.remark] if loader.remark else []
    if asked.partial:
        remarks.append("Partial: the published numbers were not asserted.")
    return Indexed(rows, settings | {"partial": asked.partial}, remarks + resolution_remarks(rows))


def resolution_remarks(rows: Sequence[Presentation]) -> list[str]:
    """How finely the error rates of each split can be measured at all.

    With n presentations a rate moves in steps of 1/n, and a rate below 1/n is 0 or not met: OULU
    protocol 4 has 20 bona fide test clips a fold, and TPR at FPR 1e-4 asks for 10,000 attacks.
    """
    remarks = []
    for split, (bona_fide, attacks) in count_rows(rows).items():
        remarks.append(
            f"{split.value}: BPCER moves in steps of {100 / max(bona_fide, 1):.3g} %, the attack "
            f"error over all species in steps of {100 / max(attacks, 1):.3g} %; no false positive "
            f"rate below {100 / max(attacks, 1):.2g} % can be measured."
        )
    return remarks


def record_path(table: Path) -> Path:
    """Where the record of a sample table lies: samples.csv -> samples.index.json."""
    return table.with_suffix(".index.json")


def write_record(table: Path, name: str, indexed: Indexed) -> None:
    """Write the record beside a table: settings, remarks, numbers, and every split's people."""
    people: dict[Split, set[str]] = defaultdict(set)
    species: dict[Split, Counter[str]] = defaultdict(Counter)
    for row in indexed.rows:
        people[row.split].add(row.capture_subject)
        species[row.split][row.pai_species] += 1
    record = {
        "loader": name,
        "datasets": sorted({row.dataset for row in indexed.rows}),
        "settings": indexed.settings,
        "remarks": indexed.remarks,
        "presentations": {
            split.value: dict(sorted(numbers.items())) for split, numbers in species.items()
        },
        "capture_subjects": {split.value: sorted(names) for split, names in people.items()},
        "digest": digest_of(indexed.rows),
        "bonafide_version": __version__,
    }
    path = record_path(table)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")  # others may write it, too
    scratch.write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")
    os.replace(scratch, path)


def _load_replay_attack(root: Path, asked: Asked) -> list[Presentation]:
    return replay_attack(
        root,
        protocol=asked.protocol or "",
        light=asked.light or "",
        support=asked.support or "",
        partial=asked.partial,
    )


def _load_casia_fasd(root: Path, asked: Asked) -> list[Presentation]:
    return casia_fasd(
        root, scenario=asked.protocol or "", seed=asked.seed or 0, partial=asked.partial
    )


def _load_msu_mfsd(root: Path, asked: Asked) -> list[Presentation]:
    return msu_mfsd(root, seed=asked.seed or 0, partial=asked.partial)


def _load_oulu_npu(root: Path, asked: Asked) -> list[Presentation]:
    return oulu_npu(
        root, protocol=_number(asked.protocol), fold=asked.fold or 0, partial=asked.partial
    )


def _load_siw(root: Path, asked: Asked) -> list[Presentation]:
    return siw(
        root,
        protocol=_number(asked.protocol),
        fold=asked.fold or 0,
        seed=asked.seed or 0,
        partial=asked.partial,
    )


def _number(protocol: str | None) -> int:
    if protocol is None or not protocol.isdigit():
        raise LayoutError(
            f"{protocol!r} is no number.", where="protocol", remedy="Name one such as 1."
        )
    return int(protocol)


def _load_casia_surf(root: Path, asked: Asked) -> list[Presentation]:
    return casia_surf(root, family=asked.protocol or "", partial=asked.partial)


def _load_mipd(root: Path, asked: Asked) -> list[Presentation]:
    return mipd(root, protocol=asked.protocol or "", seed=asked.seed or 0, partial=asked.partial)


def _load_manifest(path: Path, asked: Asked) -> list[Presentation]:
    words = {"bona_fide": "bona_fide", "attack": "attack"}
    form = ManifestForm(
        dataset=asked.dataset or path.stem,
        columns=asked.columns,
        labels=asked.labels or words,
        species=asked.species,
        splits=asked.splits,
    )
    return manifest(path, form, seed=asked.seed or 0, partial=asked.partial)


def _load_folders(root: Path, asked: Asked) -> list[Presentation]:
    form = FolderForm(
        dataset=asked.dataset or "",
        species=asked.species,
        subject_pattern=asked.subject_pattern or "",
    )
    return folders(root, form, seed=asked.seed or 0, partial=asked.partial)


LOADERS: dict[str, Loader] = {
    "replay-attack": Loader(
        _load_replay_attack, {"protocol": "grandtest", "light": "", "support": ""}
    ),
    "casia-fasd": Loader(
        _load_casia_fasd,
        {"protocol": "overall", "seed": DEFAULT_SEED},
        "CASIA-FASD has no development part: a quarter of the train people, drawn by the seed.",
    ),
    "msu-mfsd": Loader(
        _load_msu_mfsd,
        {"seed": DEFAULT_SEED},
        "MSU-MFSD has no development part: the test people are halved by the seed.",
    ),
    "oulu-npu": Loader(_load_oulu_npu, {"protocol": "1", "fold": 0}),
    "siw": Loader(
        _load_siw,
        {"protocol": "1", "fold": 0, "seed": DEFAULT_SEED},
        "SiW has no development part: a fifth of the train people, drawn by the seed. Protocol 1 "
        "trains on the first 60 frames of a clip.",
    ),
    "casia-surf": Loader(_load_casia_surf, {"protocol": ""}),
    "mipd": Loader(
        _load_mipd,
        {"protocol": "mipd", "seed": DEFAULT_SEED},
        "MIPD has no public layout; this is bonafide's own. Where its manifests state no "
        "development part, a fifth of the train people is drawn by the seed.",
    ),
    "manifest": Loader(
        _load_manifest,
        {
            "dataset": "",
            "columns": {},
            "labels": {},
            "species": {},
            "splits": {},
            "seed": DEFAULT_SEED,
        },
    ),
    "folder": Loader(
        _load_folders,
        {"dataset": "", "species": {}, "subject_pattern": "", "seed": DEFAULT_SEED},
    ),
}
"""Name on the command line -> loader."""
