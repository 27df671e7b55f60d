"""evaluate, compare and plan as a user types them."""

import json
import subprocess
import sys

import pytest

from bonafide.cli import main

HEADER = "presentation,label,pai_species,capture_subject,score\n"


def scores(path, people, shift=0.0, live="bona_fide", attack="attack"):
    lines = [HEADER]
    for i in people:
        for k in range(3):
            value = 0.05 * ((7 * i + 3 * k) % 9)
            lines.append(f"live{i}-{k},{live},bona_fide,p{i},{0.55 + value - shift}\n")
            lines.append(f"print{i}-{k},{attack},print,p{i},{0.1 + value + shift}\n")
    path.write_text("".join(lines))
    return str(path)


@pytest.fixture
def bonafide(monkeypatch, capsys):
    """Call the program as its entry point does; returns all it printed, on one line."""

    def call(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["bonafide", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        text = " ".join((printed.out + printed.err).split())
        assert (stopped.value.code or 0) == code, text
        return text

    return call


def test_from_two_score_files_to_a_report_and_a_comparison(tmp_path, bonafide):
    dev, test = scores(tmp_path / "dev.csv", range(20)), scores(tmp_path / "t.csv", range(20, 50))
    worse = scores(tmp_path / "worse.csv", range(20, 50), shift=0.1)
    said = bonafide("evaluate", "--development", dev, "--test", test, "--target", "bpcer=0.05",
                    "-o", tmp_path / "one", "--rounds", 100)  # fmt: skip
    assert "were taken for a live person" in said
    assert "threshold comes from 20 people" in said
    point = tmp_path / "one" / "operating_point.json"
    bonafide("evaluate", "--test", worse, "--operating-point", point, "-o", tmp_path / "two",
             "--rounds", 100)  # fmt: skip
    for name in ("one", "two"):
        made = {p.name for p in (tmp_path / name).iterdir()}
        assert made == {"report.html", "report.json", "rates.csv", "decisions.csv",
                        "operating_point.json"}  # fmt: skip
    first, second = (
        json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two")
    )
    assert first["operating_point"] == second["operating_point"]
    said = bonafide("compare", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "three")
    assert "errs less" in said
    assert (tmp_path / "three" / "comparison.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "eer"], "needs development scores"),
        ([], "either a target or an operating point"),
        (["--target", "best", "--development", "dev.csv"], "unknown target"),
        (["--target", "eer", "--development", "t.csv"], "also in the development data"),
        (["--target", "eer", "--development", "dev.csv", "--unit", "clip"], "unknown unit"),
        (["--target", "eer", "--development", "dev.csv", "--label", "live"], "what a word means"),
        (["--target", "eer", "--development", "dev.csv", "--by", "age"], "no column 'age'"),
        (["--target", "eer", "--development", "none.csv"], "cannot be read"),
        (["--target", "eer", "--development", "dev.csv", "-o", "dev.csv"], "cannot be made"),
    ],
)
def test_mistakes_end_with_one_line_and_code_2(tmp_path, monkeypatch, bonafide, options, message):
    monkeypatch.chdir(tmp_path)
    scores(tmp_path / "dev.csv", range(9))
    scores(tmp_path / "t.csv", range(20, 30))
    said = bonafide("evaluate", "--test", "t.csv", "-o", "out", *options, code=2)
    assert message in said
    assert "Traceback" not in said


def test_other_label_words(tmp_path, bonafide):
    dev = scores(tmp_path / "dev.csv", range(9), live="1", attack="0")
    test = scores(tmp_path / "t.csv", range(20, 30), live="1", attack="0")
    files = ["--development", dev, "--test", test, "--target", "eer", "-o", tmp_path / "out"]
    assert "not a known label" in bonafide("evaluate", *files, code=2)
    words = ["--label", "1=bona_fide", "--label", "0=attack", "--rounds", 0]
    bonafide("evaluate", *files, *words)


def test_three_columns_are_enough_and_models_are_then_not_paired(tmp_path, bonafide):
    text = "label,pai_species,score\n" + "bona_fide,bona_fide,0.9\nattack,print,0.2\n" * 5
    for name in ("dev.csv", "t.csv"):
        (tmp_path / name).write_text(text)
    files = ["--development", tmp_path / "dev.csv", "--test", tmp_path / "t.csv"]
    for name in ("one", "two"):
        said = bonafide("evaluate", *files, "--target", "eer", "-o", tmp_path / name)
        assert "does not say who is in it" in said
    assert "do not name their presentations" in bonafide(
        "compare", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "three"
    )


def test_a_plan_is_a_table(bonafide):
    said = bonafide("plan", "--apcer", 0.05, "--bpcer", 0.1)
    assert "59" in said
    assert "93" in said
    assert "BPCER below 10" in said
    assert "no claim" in bonafide("plan", code=2)


def test_evaluation_needs_no_torch_and_help_needs_neither_matplotlib_nor_scipy(tmp_path):
    dev, test = scores(tmp_path / "dev.csv", range(9)), scores(tmp_path / "t.csv", range(20, 30))
    program = (
        "import sys\nfrom bonafide.cli import app\n"
        "heavy = {'torch', 'matplotlib', 'scipy', 'sklearn', 'cv2', 'jinja2', 'PIL'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        f"app(['evaluate', '--development', {dev!r}, '--test', {test!r}, '--target', 'eer', "
        f"'-o', {str(tmp_path / 'out')!r}, '--rounds', '10'], standalone_mode=False)\n"
        "unwanted = {'torch', 'sklearn', 'pandas', 'cv2'}\n"
        "assert not unwanted & set(sys.modules), unwanted & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
