"""What trivial features tell of a simulated recapture set, before and after matching.

    bonafide simulate recapture PORTRAITS OUT --seed 7 --per-subject 3
    python benchmarks/recapture_probe.py OUT

Reads OUT/provenance.json and prints a Markdown table of the probe's area under the curve.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from bonafide.simulator.probe import probe_accuracy


def main(out: Path) -> None:
    samples = json.loads((out / "provenance.json").read_text())["samples"]
    features = np.array([sample["features"] for sample in samples])
    species = np.array([sample["pai_species"] for sample in samples])
    # The presentation is named <subject>_<index>[_<kind>].
    people = np.array([sample["presentation"].split("_")[0] for sample in samples])
    matched = np.array([sample["matched"] for sample in samples])
    print("| simulated samples | n | area under the curve | band of chance (95 %) |")
    print("| --- | ---: | ---: | --- |")
    for words, kept in (("all", np.ones_like(matched)), ("matched", matched)):
        for attack in ("print", "replay", "both"):
            chosen = kept & ((species == "bona_fide") | (species == attack) | (attack == "both"))
            live = species[chosen] == "bona_fide"
            rng = np.random.default_rng(0)
            found = probe_accuracy(features[chosen], live, people[chosen], rng)
            print(
                f"| {words}: live and {attack.replace('both', 'both attacks')} | {found.n} | "
                f"{found.auc:.3f} | {found.low:.3f} to {found.high:.3f} |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
