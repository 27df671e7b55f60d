"""Add real live photos to a simulated set, and set others aside for the threshold.

    BONAFIDE_DATA=... python benchmarks/live_sources.py DATA/candidates.csv SEED OUT.csv HELD_OUT

OUT.csv is the table of the simulated set and, in its training split, the portraits and clips whose
person falls into that split (`recapture_set.split_of`, which also split the simulated people).
HELD_OUT gets copies of the small portraits of all other people: `bonafide calibrate` takes them.
"""

import os
import shutil
import sys
from pathlib import Path

from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.simulator.recapture_set import split_of
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

SOURCES = {"portraits/small": "*.jp*g", "portraits/large": "*.jp*g", "clips": "*.mkv"}


def main():
    table, seed = Path(sys.argv[1]), int(sys.argv[2])
    out, held_out = Path(sys.argv[3]), Path(sys.argv[4])
    data = Path(os.environ["BONAFIDE_DATA"])
    rows = read_sample_table(table)
    held_out.mkdir(parents=True, exist_ok=True)
    for name, pattern in SOURCES.items():
        for path in sorted((data / name).glob(pattern)):
            if split_of(path.stem, seed) is Split.TRAIN:
                rows.append(
                    Presentation(
                        presentation=f"{name}/{path.stem}",
                        path=str(path),
                        label=Label.BONA_FIDE,
                        pai_species=BONA_FIDE_SPECIES,
                        capture_subject=f"{name.split('/')[0]}/{path.stem}",
                        split=Split.TRAIN,
                        dataset=name,
                    )
                )
            elif name == "portraits/small":
                shutil.copy(path, held_out / path.name)
    write_sample_table(out, rows)
    print(f"{out}: {len(rows)} rows; {held_out}: {len(list(held_out.iterdir()))} photos")


if __name__ == "__main__":
    main()
