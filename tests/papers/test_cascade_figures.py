"""The zoom of the ROC shows rows, and not one line in a corner."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bonafide.evaluation.score_writer import ScoreRow, write_score_rows
from bonafide.papers.cascade_figures import zoom_of
from bonafide.papers.measure import scores_path
from bonafide.types import Label, Presentation, Split


@dataclass(frozen=True)
class Row:
    folders: tuple[Path, ...]


def row_with_eer(folder, wrong):
    """A run of ten bona fide and ten attacks, of which so many of each lie on the other's side."""
    folder.mkdir()
    rows = []
    for n in range(10):
        for label, right in ((Label.BONA_FIDE, 0.9), (Label.ATTACK, 0.1)):
            species = "bona_fide" if label is Label.BONA_FIDE else "print"
            sample = Presentation(
                f"{label.value}{n}", "x.jpg", label, species, f"p{n}", Split.TEST, "made up"
            )
            rows.append(ScoreRow(sample, None, right if n >= wrong else 1 - right))
    write_score_rows(scores_path(folder, Split.TEST), rows)
    return Row((folder,))


@pytest.mark.parametrize(
    ("wrong", "zoom"), [((0, 1, 4), 0.1), ((1, 2, 3), 0.2), ((3, 3), 0.3), ((9,), 0.1), ((), 0.1)]
)
def test_half_of_the_rows_pass_through_the_corner(tmp_path, wrong, zoom):
    rows = [row_with_eer(tmp_path / str(i), count) for i, count in enumerate(wrong)]
    assert zoom_of(rows) == zoom
