"""Write a small table of rendered captures (simulated): colour, depth in mm, infrared.

python benchmarks/cascade_world.py DIR [--people 48] [--px 192] [--seed 0]

Half of the people train, a fifth are development, the rest are test. Of everybody: live sessions,
prints and screens (2-D), masks and heads (3-D), one frame a session. The tables: samples.csv (all),
samples_2d.csv and samples_3d.csv (all live sessions, and the attacks of one kind).
"""

import argparse
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from bonafide.datasets.sample_table import write_sample_table
from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.session import plan_capture
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

FLAT = ("print_flat", "print_warped", "print_eye_cut", "print_region_cut", "replay_tablet")
SOLID = ("mask_paper", "mask_resin", "mask_silicone", "mask_latex", "head_wax")
NAME = "rendered captures (simulated)"
LIVE = 4
ATTACKS = 3


def split_of(number, people):
    if number < people // 2:
        return Split.TRAIN
    return Split.DEVELOPMENT if number < people // 2 + people // 5 else Split.TEST


def write_capture(folder, frame):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame.rgb).save(folder / "rgb.png")
    Image.fromarray(frame.depth_mm).save(folder / "depth.png")
    Image.fromarray(frame.infrared).save(folder / "infrared.png")


def rows_of(root, people, px, seed):
    everybody = balanced_population(np.random.default_rng((seed, 1)), people)
    flat, solid = cycle(FLAT), cycle(SOLID)
    for number, person in enumerate(everybody):
        attacks = [*islice(flat, ATTACKS), *islice(solid, ATTACKS)]
        for session, species in enumerate([BONA_FIDE_SPECIES] * LIVE + attacks):
            key = f"{number:03d}/{session:02d}_{species}"
            rng = np.random.default_rng((seed, 2, number, session))
            plan = plan_capture(rng, px, px)
            holder = everybody[int(rng.integers(people))]
            clip = stage_clip(person, species, rng, plan, holder=holder)
            write_capture(root / key, next(iter(capture_clip(clip, 1))))
            live = species == BONA_FIDE_SPECIES
            yield Presentation(
                presentation=key,
                path=str(root / key / "rgb.png"),
                label=Label.BONA_FIDE if live else Label.ATTACK,
                pai_species=species,
                capture_subject=f"{NAME}/{number:03d}",
                split=split_of(number, people),
                dataset=NAME,
                depth_path=str(root / key / "depth.png"),
                infrared_path=str(root / key / "infrared.png"),
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=48)
    parser.add_argument("--px", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    root = asked.folder.resolve()
    rows = list(rows_of(root, asked.people, asked.px, asked.seed))
    write_sample_table(root / "samples.csv", rows)
    for name, kinds in (("2d", FLAT), ("3d", SOLID)):
        kept = [row for row in rows if row.pai_species in (BONA_FIDE_SPECIES, *kinds)]
        write_sample_table(root / f"samples_{name}.csv", kept)
    print(f"{root}: {len(rows)} captures of {asked.people} people, {NAME}")


if __name__ == "__main__":
    main()
