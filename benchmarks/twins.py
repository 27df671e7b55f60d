"""What tells live from attack in a twin, besides the face (simulated).

    bonafide simulate casia-fasd TWIN --size small
    python benchmarks/twins.py casia-fasd TWIN

Prints a Markdown table: area under the curve of each probe on a balanced sample of the twin, the
band of chance, and whether the probe left it; then the share of first pictures in which our
detector finds a face.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from bonafide.datasets.loaders import Asked, load
from bonafide.datasets.media import first_picture
from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.simulator.twin_probe import balanced_sample, one_a_clip, probe_twin
from bonafide.types import BONA_FIDE_SPECIES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="as in `bonafide index`")
    parser.add_argument("root", type=Path)
    parser.add_argument("--protocol", default=None)
    parser.add_argument("--species", default=None, help="attacks of this species alone")
    parser.add_argument("--seed", type=int, default=0, help="of the sample, folds and shuffles")
    parser.add_argument("--faces", type=int, default=100, help="pictures to look for a face in")
    given = parser.parse_args()
    rows = load(given.name, given.root, Asked(protocol=given.protocol, partial=True)).rows
    kept = (given.species, BONA_FIDE_SPECIES)
    rows = [row for row in rows if given.species is None or row.pai_species in kept]
    sample = balanced_sample(one_a_clip(given.root, rows), given.seed)
    print(f"{given.name} (simulated), {len(sample)} clips, half of them bona fide\n")
    print("| probe | area under the curve | band of chance (95 %) | outside |")
    print("| --- | ---: | --- | --- |")
    for one in probe_twin(given.root, sample, seed=given.seed):
        area = "nothing to learn" if one.auc is None else f"{one.auc:.3f}"
        outside = "yes" if one.is_outside else "no"
        print(f"| {one.name} | {area} | {one.low:.3f} to {one.high:.3f} | {outside} |")
    detector = MtcnnDetector()
    found: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for row in sample[:: max(1, len(sample) // given.faces)]:
        seen[row.pai_species] += 1
        found[row.pai_species] += len(find_faces(first_picture(row), detector)) > 0
    print("\nFaces found:", ", ".join(f"{name} {found[name]} of {seen[name]}" for name in seen))


if __name__ == "__main__":
    main()
