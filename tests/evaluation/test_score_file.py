"""Score files: round trips, other tools' files, and the line and column of every mistake."""

import numpy as np
import pytest

from bonafide.decision.scores import DevelopmentScores, TestScores
from bonafide.evaluation.score_file import (
    CHUNK_ROWS,
    ScoreFileError,
    read_development,
    read_scores,
    read_test,
)
from bonafide.evaluation.score_writer import ScoreRow, write_score_rows, write_table
from bonafide.types import (
    SCORE_COLUMNS,
    BonafideError,
    Label,
    Presentation,
    ReasonCode,
    Split,
)

HEADER = "label,pai_species,score"


def write(tmp_path, text):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    return path


def sample(name="p1", species="print", **more):
    label = Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK
    return Presentation(
        name, f"{name}.jpg", label, species, "set/client1", Split.TEST, "set", **more
    )


def test_rows_written_are_the_rows_read(tmp_path):
    rows = [
        ScoreRow(sample("a", "bona_fide", light="day"), None, 1 / 3),
        ScoreRow(sample('b, "quoted"', "mask", pai_detail="wax\nhead"), None, -1e-17),
        ScoreRow(sample("c"), None, None, ReasonCode.NO_FACE),
    ]
    path = tmp_path / "scores.csv"
    assert write_score_rows(path, rows) == 3
    table = read_test(path)
    assert isinstance(table, TestScores)
    assert table.score[:2].tolist() == [1 / 3, -1e-17]
    assert np.isnan(table.score[2])
    assert table.reason.at(2) == "no_face"
    assert table.presentation.at(1) == 'b, "quoted"'
    assert table.conditions["pai_detail"].at(1) == "wax\nhead"
    assert table.conditions["path"].at(0) == "a.jpg"
    assert table.unit == "presentation"
    again = tmp_path / "again.csv"
    write_table(again, table)
    assert again.read_bytes() == path.read_bytes()
    assert path.read_text().splitlines()[0] == ",".join(SCORE_COLUMNS)


def test_a_writer_refuses_half_an_answer():
    with pytest.raises(BonafideError, match="score, or a reason"):
        ScoreRow(sample(), None, None)
    with pytest.raises(BonafideError, match="score, or a reason"):
        ScoreRow(sample(), None, 0.5, ReasonCode.BLURRED)
    with pytest.raises(BonafideError, match="nan"):
        ScoreRow(sample(), None, float("nan"))


def test_frames_and_a_further_column(tmp_path):
    path = write(
        tmp_path,
        "score,age,frame,presentation,label,pai_species\n"
        "0.5,30,0,p,attack,print\n0.25,30,1,p,attack,print\n",
    )
    table = read_scores(path)
    assert table.unit == "frame"
    assert table.frame.tolist() == [0, 1]
    assert table.conditions["age"].counts() == {"30": 2}
    assert not table.has_subjects


def test_three_columns_are_enough(tmp_path):
    path = write(tmp_path, f"\ufeff{HEADER}\r\nbona_fide,bona_fide,1e-3\r\n\r\nattack,x,-2\r\n")
    table = read_development(path)
    assert isinstance(table, DevelopmentScores)
    assert table.score.tolist() == [0.001, -2]
    assert table.presentation.names == ("",)


def test_other_words_for_labels_need_to_be_explained(tmp_path):
    path = write(tmp_path, f"{HEADER}\n1,bona_fide,0.9\n0,print,0.2\n0,print,0.1\n")
    with pytest.raises(ScoreFileError, match=r"line 2, column label: '1' .* '0' \(2 rows\)"):
        read_scores(path)
    table = read_scores(path, {"1": Label.BONA_FIDE, "0": Label.ATTACK})
    assert table.attack.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing"),
        ("label,score\n", r"missing \['pai_species'\]; found \['label', 'score'\]"),
        ("label;pai_species;score\n", "separated by commas"),
        (f"{HEADER},score\n", "repeated"),
        (f"{HEADER}\n", "no rows"),
        (f"{HEADER}\nattack,print\n", "line 2, column any: has 2 fields, the header 3"),
        (f"{HEADER}\n\nattack,print,0.1\nattack,print,x\n", "line 4, column score: 'x'"),
        (f"{HEADER}\nattack,print,nan\n", "line 2, column score: 'nan' is not a finite"),
        (f"{HEADER}\nattack,print,-inf\n", "line 2, column score"),
        (f'{HEADER}\nattack,print,"0,5"\n', "'0,5' is not a number"),
        (f"{HEADER}\nattack,print,\n", "line 2, column score: is empty and no reason"),
        (f"{HEADER},reason\nattack,print,1,no_face\n", "column reason: stands beside"),
        (f"{HEADER}\nattack,,0.1\n", "line 2, column pai_species: is empty"),
        (f"{HEADER}\nattack,bona_fide,0.1\n", "column pai_species: contradicts"),
        (f"{HEADER}\nbona_fide,print,0.1\n", "column pai_species: contradicts"),
        (f"{HEADER},frame\nattack,print,1,0\nattack,print,1,\n", "line 3, column frame"),
        (f"{HEADER},frame\nattack,print,1,-1\n", "'-1' is not an index"),
        (f"{HEADER},capture_subject\nattack,print,1,a\nattack,print,1,\n", "line 3, column cap"),
        (f"{HEADER},presentation\nattack,print,1,a\nattack,print,2,a\n", "line 3, .* 'a' has"),
        (f'{HEADER}\nattack,print,"0.1\n', "is not CSV"),
    ],
)
def test_mistakes_are_placed(tmp_path, text, message):
    with pytest.raises(ScoreFileError, match=message):
        read_scores(write(tmp_path, text))


def test_the_same_frame_twice_is_refused_and_another_is_not(tmp_path):
    text = f"{HEADER},presentation,frame\n"
    text += "attack,print,1,a,0\nattack,print,1,a,7\nattack,print,1,b,7\n"
    assert len(read_scores(write(tmp_path, text))) == 3
    with pytest.raises(ScoreFileError, match="line 5"):
        read_scores(write(tmp_path, text + "attack,print,1,a,7\n"))


def test_a_mistake_far_down_is_placed_too(tmp_path):
    rows = 2 * CHUNK_ROWS + 5
    lines = [HEADER] + ["attack,print,0.5"] * rows
    lines[CHUNK_ROWS + 40] = "attack,print,oops"
    with pytest.raises(ScoreFileError, match=f"line {CHUNK_ROWS + 41}, column score"):
        read_scores(write(tmp_path, "\n".join(lines)))
    lines[CHUNK_ROWS + 40] = "attack,mask,0.5"
    table = read_scores(write(tmp_path, "\n".join(lines)))
    assert table.species.counts() == {"print": rows - 1, "mask": 1}


def test_files_that_are_none(tmp_path):
    with pytest.raises(ScoreFileError, match="cannot be read"):
        read_scores(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScoreFileError, match="UTF-8"):
        read_scores(tmp_path / "binary.csv")
