"""`bonafide check` as a user runs it: tables, JSON, score file, evidence, exit codes."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import bonafide.cli
from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.deploy.answer import Answer, ModelId, exit_code
from bonafide.types import Decision, Reason, ReasonCode, Verdict
from tests import verbs


@pytest.fixture
def media(tmp_path, astronaut, write_clip):
    folder = tmp_path / "media"
    folder.mkdir()
    Image.fromarray(astronaut).save(folder / "face.jpg", quality=95)
    Image.fromarray(astronaut).rotate(-90, expand=True).save(folder / "sideways.png")
    Image.fromarray(np.full((200, 300, 3), 90, np.uint8)).save(folder / "wall.png")
    (folder / "notes.txt").write_text("no picture")
    write_clip(folder / "clip.mp4", [astronaut] * 12)
    return folder


@pytest.fixture
def always(record, tmp_path):
    """Operating points that accept, or reject, whatever the network says."""
    evidence = DevelopmentEvidence("made up", "photo", 1, 1, 2)

    def write(threshold):
        path = tmp_path / f"point{threshold}.json"
        OperatingPoint("fixed", "made up", threshold, evidence).save(path)
        return ["--operating-point", str(path)]

    return write


def run(*words):
    return verbs.run("check", *words, columns=300)


def test_one_json_object_a_line_with_everything_a_caller_needs(media, untrained_model, always):
    result = run(media, "--json", "--model", untrained_model, *always(0.0))
    answers = {Path(a["path"]).name: a for a in map(json.loads, result.stdout.splitlines())}
    assert sorted(answers) == ["clip.mp4", "face.jpg", "notes.txt", "sideways.png", "wall.png"]
    face = answers["face.jpg"]
    assert face["decision"] == "bona_fide"
    assert face["threshold"] == 0.0
    assert face["operating_point"] == "fixed"
    assert set(face["scale_weights"]) == {"1", "1.2"}
    assert set(face["model"]) == {"name", "version", "sha256", "trained_on"}
    assert face["faces"][0]["box"]["width"] > 50
    assert {"size_px", "sharpness", "yaw_deg"} <= set(face["faces"][0]["quality"])
    assert face["timing_ms"]["decode"] > 0
    assert answers["sideways.png"]["decision"] == "bona_fide"
    assert answers["clip.mp4"]["frames"]["evaluated"] == answers["clip.mp4"]["frames"]["seen"] > 3
    for name, code in [("wall.png", "no_face"), ("notes.txt", "unreadable")]:
        assert answers[name]["decision"] == "not_evaluated"
        assert answers[name]["score"] is None
        assert answers[name]["reasons"][0]["code"] == code
        assert answers[name]["reasons"][0]["advice"]
    assert result.exit_code == 3


def test_exit_codes(media, untrained_model, always):
    model = ["--model", untrained_model]
    assert run(media / "face.jpg", *model, *always(0.0)).exit_code == 0
    assert run(media, *model, *always(2.0)).exit_code == 1
    assert run(media / "wall.png", *model, *always(0.0)).exit_code == 3
    assert run(media / "gone.jpg", *model, *always(0.0)).exit_code == 3


@pytest.mark.parametrize(
    ("decisions", "code"), [("b", 0), ("bb", 0), ("ba", 1), ("an", 1), ("bn", 3), ("n", 3), ("", 3)]
)
def test_the_exit_code_never_calls_no_answer_a_success(decisions, code):
    words = {"b": Decision.BONA_FIDE, "a": Decision.ATTACK, "n": Decision.NOT_EVALUATED}
    assert exit_code(words[d] for d in decisions) == code


def test_the_table_lists_every_input_and_what_could_not_be_read(media, untrained_model, always):
    result = run(media, "--model", untrained_model, *always(0.0))
    for name in ("clip.mp4", "face.jpg", "notes.txt", "wall.png"):
        assert name in result.stdout.replace("\n", "")
    assert "could not be read" in result.stdout
    assert "3 bona_fide" in result.stdout
    assert "2 not_evaluated" in result.stdout


def test_scores_and_evidence(media, untrained_model, always, tmp_path):
    scores, evidence = tmp_path / "scores.csv", tmp_path / "evidence"
    outputs = ["--scores", scores, "--evidence", evidence]
    run(media, "--model", untrained_model, *always(0.0), *outputs)
    rows = {Path(row["path"]).name: row for row in csv.DictReader(scores.open())}
    assert list(next(iter(rows.values()))) == ["path", "score", "decision", "reason"]
    assert rows["wall.png"]["score"] == ""
    assert rows["wall.png"]["reason"] == "no_face"
    assert 0 <= float(rows["face.jpg"]["score"]) <= 1
    page = (evidence / "index.html").read_text()
    assert page.count("<article>") == 5
    assert page.count("<figure>") == 3 * 2
    assert page.count("<polyline") == 1
    for name in ("scale 1.2", "threshold", "no_face", "Bona fide", "Not evaluated"):
        assert name in page
    pictures = {part.split('"')[0] for part in page.split('src="')[1:]}
    assert pictures
    assert all((evidence / picture).stat().st_size > 500 for picture in pictures)


def test_a_file_name_cannot_inject_markup_into_page_or_table(
    media, untrained_model, always, tmp_path
):
    name = "<b>[red]x.jpg"
    (media / "face.jpg").rename(media / name)
    evidence = tmp_path / "evidence"
    result = run(media / name, "--model", untrained_model, *always(0.0), "--evidence", evidence)
    assert "[red]x.jpg" in result.stdout.replace("\n", "")
    assert "<b>[red]" not in (evidence / "index.html").read_text()


def test_a_clip_can_stand_in_for_a_camera(media, untrained_model, always):
    result = run("--camera", media / "clip.mp4", "--model", untrained_model, *always(0.0))
    assert result.exit_code == 0
    assert "bona_fide" in result.stdout


@pytest.mark.parametrize(
    "arguments", [[], ["--camera", "0", "x.jpg"], ["x.jpg", "--model", "nowhere.onnx"]]
)
def test_wrong_use_ends_with_one_line_and_exit_code_2(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "bonafide", "check", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error" in done.stderr.lower()


def test_help_answers_without_loading_a_network_library():
    code = (
        "import sys, bonafide.cli\n"
        "heavy = {'torch', 'onnxruntime', 'cv2', 'av', 'matplotlib', 'scipy', 'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_verdict_cannot_have_a_score_and_no_answer():
    with pytest.raises(ValueError, match="exactly when"):
        Verdict(Decision.NOT_EVALUATED, 0.9, 0.5, "eer")
    with pytest.raises(ValueError, match="exactly when"):
        Verdict(Decision.BONA_FIDE, None, 0.5, "eer")


def test_a_score_row_lists_blocking_reasons_only():
    reasons = (
        Reason(ReasonCode.BLURRED, "hold still", True),
        Reason(ReasonCode.PADDED_SURROUNDINGS, "step back", False),
    )
    verdict = Verdict(Decision.NOT_EVALUATED, None, 0.5, "eer", reasons)
    model = ModelId("m", "1", "0", "x")
    assert Answer("a.jpg", verdict, model).score_row() == ("a.jpg", "", "not_evaluated", "blurred")
    scored = replace(verdict, decision=Decision.ATTACK, score=0.25)
    assert Answer("a.jpg", scored, model).score_row()[1] == "0.250000"


def test_a_damaged_clip_is_judged_by_what_is_left_and_says_so(
    tmp_path, astronaut, write_clip, untrained_model, always
):
    path = tmp_path / "clip.mkv"
    write_clip(path, [astronaut] * 10, "mjpeg", "yuvj420p")
    clip = bytearray(path.read_bytes())
    starts = [i for i in range(len(clip)) if clip[i : i + 3] == b"\xff\xd8\xff"]
    clip[starts[4] : starts[4] + 2_000] = bytes(2_000)
    path.write_bytes(clip)
    result = run(path, "--json", "--model", untrained_model, *always(0.0))
    answer = json.loads(result.stdout)
    assert answer["decision"] == "bona_fide"
    [remark] = [reason for reason in answer["reasons"] if reason["code"] == "damaged_clip"]
    assert not remark["blocking"]


def test_a_narrow_terminal_shows_the_end_of_a_long_path_on_one_line(media, untrained_model, always):
    long = media / ("a" * 60 + "_end.jpg")
    (media / "face.jpg").rename(long)
    arguments = ["check", str(long), "--model", str(untrained_model), *always(0.0)]
    out = CliRunner(env={"COLUMNS": "90"}).invoke(bonafide.cli.app, arguments).stdout
    [line] = [line for line in out.splitlines() if "_end.jpg" in line]
    assert line.startswith("…")
    assert "bona_fide" in line


def test_a_score_between_two_thresholds_is_no_answer(media, untrained_model, tmp_path):
    """Every score lies in the band."""
    evidence = DevelopmentEvidence("made up", "photo", 1, 1, 2)
    path = tmp_path / "band.json"
    OperatingPoint("band", "made up", 2.0, evidence, -1.0).save(path)
    chosen = ["--json", "--model", untrained_model, "--operating-point", path]
    result = run(media / "face.jpg", media / "clip.mp4", *chosen)
    assert result.exit_code == 3
    for answer in map(json.loads, result.stdout.splitlines()):
        assert (answer["decision"], answer["score"]) == ("not_evaluated", None)
        assert answer["reasons"][0]["code"] == "uncertain"
        assert answer["reasons"][0]["blocking"]
        assert len(answer["faces"]) == 1
        assert answer["frames"]["evaluated"] > 0
