"""A batch answers every input once, whatever it is, and goes on where it was stopped."""

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from batch_makers import picture, rows_of, write_pictures
from PIL import Image

from bonafide.capture.image import read_image
from bonafide.deploy.batch import finish, open_run
from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.batch_local import run_local
from bonafide.deploy.batch_rows import COLUMNS, decode_rows
from bonafide.deploy.batch_worker import ChunkWorker
from bonafide.deploy.detector import Detector
from bonafide.deploy.runtime import SHIPPED_MODEL
from bonafide.types import BonafideError

TIMES = ("ms", "cpu_ms")
SABOTAGE = """
# Stands in for decoders with holes: some file names kill or hang the process that reads them.
import os, signal, time
if os.environ.get("BONAFIDE_TEST_SABOTAGE"):
    import bonafide.deploy.files as files
    judge = files.answer_source

    def sabotaged(detector, source, limits, sample_hz):
        if "kills" in source.path.name:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "hangs" in source.path.name:
            time.sleep(60)
        if "once" in source.path.name and not os.path.exists(f"{source.path}.seen"):
            open(f"{source.path}.seen", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return judge(detector, source, limits, sample_hz)

    files.answer_source = sabotaged
"""


def run_all(output, patterns, settings=None, workers=1, **options):
    run = open_run(str(output), patterns, SHIPPED_MODEL, settings or JudgeSettings(), **options)
    done = list(run_local(run.task, run.pending(), workers))
    return finish(run), done


def without_times(rows):
    return [{name: row[name] for name in COLUMNS if name not in TIMES} for row in rows]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, astronaut, write_clip):
    folder = tmp_path_factory.mktemp("inputs")
    Image.fromarray(astronaut).save(folder / "face.jpg", quality=95)
    (folder / "wall.png").write_bytes(picture())
    (folder / "notes.txt").write_text("no picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes((folder / "face.jpg").read_bytes()[:9000])
    write_clip(folder / "clip.mp4", [astronaut] * 4)
    return folder


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """A run over the inputs in parts of two: (output, summary, reports)."""
    output = tmp_path_factory.mktemp("run") / "out"
    return output, *run_all(output, [str(inputs)], part_rows=2)


def test_every_input_has_one_row_with_its_hash(inputs, finished):
    output, summary, done = finished
    rows = rows_of(output)
    assert [row["path"] for row in rows] == sorted(str(path) for path in inputs.iterdir())
    assert summary["inputs"] == sum(one.rows for one in done) == 6
    for row in rows:
        content = Path(row["path"]).read_bytes()
        assert row["sha256"] == (hashlib.sha256(content).hexdigest() if content else "")
        assert row["model_sha256"] == hashlib.sha256(SHIPPED_MODEL.read_bytes()).hexdigest()
        assert (row["score"] is None) == (row["decision"] == "not_evaluated")
        assert row["threshold"] == Detector.load().operating_point.threshold
        assert row["ms"] >= 0


def test_rows_are_what_the_detector_answers(inputs, finished):
    rows = {Path(row["path"]).name: row for row in rows_of(finished[0])}
    verdict = Detector.load()(read_image(inputs / "face.jpg").rgb)
    face = rows["face.jpg"]
    assert face["score"] == verdict.score
    assert face["decision"] == verdict.decision.value
    assert face["size_px"] == verdict.faces[0].quality.size_px
    assert face["yaw_deg"] == verdict.faces[0].quality.pose.yaw_deg
    assert rows["wall.png"]["reasons"] == "no_face"
    assert rows["wall.png"]["sharpness"] is None
    assert rows["clip.mp4"]["frames_seen"] == rows["clip.mp4"]["frames_evaluated"] > 1


def test_dead_files_are_listed_with_what_is_wrong(inputs, finished):
    output, summary, _ = finished
    with (output / "dead.csv").open(newline="") as stream:
        dead = {Path(row["path"]).name: row["advice"] for row in csv.DictReader(stream)}
    assert sorted(dead) == ["cut.jpg", "empty.jpg", "notes.txt"]
    assert "ends too early" in dead["cut.jpg"]
    assert "0 bytes" in dead["empty.jpg"]
    assert summary["dead"] == 3
    assert summary == json.loads((output / "summary.json").read_text())


def test_going_on_judges_what_has_no_part_and_nothing_else(inputs, finished):
    output, summary, _ = finished
    before = without_times(rows_of(output))
    (output / "parts" / "part-0000001.parquet").unlink()
    (inputs / "late.png").write_bytes(picture())
    try:
        again, done = run_all(output, [str(inputs)], part_rows=2)
    finally:
        (inputs / "late.png").unlink()
    assert [one.index for one in done] == [1]
    assert without_times(rows_of(output)) == before
    assert {**again, **dict.fromkeys(TIMES)} == {**summary, **dict.fromkeys(TIMES)}


@pytest.mark.parametrize(
    "change", [{"settings": JudgeSettings(sample_hz=1)}, {"part_rows": 3}, {"form": "csv"}]
)
def test_another_run_does_not_fit_in(inputs, finished, change):
    options = {"settings": JudgeSettings(), "part_rows": 2, "form": "parquet", **change}
    with pytest.raises(BonafideError, match=f"other {next(iter(change))}"):
        open_run(str(finished[0]), [str(inputs)], SHIPPED_MODEL, **options)


def test_csv_parts_two_workers_and_a_url_give_the_same_rows(inputs, finished, tmp_path):
    run_all(tmp_path / "b", [inputs.as_uri()], form="csv", part_rows=3, workers=2)
    expected = without_times(rows_of(finished[0]))
    for row in (found := without_times(rows_of(tmp_path / "b"))):
        row["path"] = row["path"].removeprefix("file://")
    assert found == expected


@pytest.mark.slow
def test_a_file_that_kills_or_hangs_its_reader_costs_one_row(tmp_path, monkeypatch):
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(SABOTAGE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hook"))
    monkeypatch.setenv("BONAFIDE_TEST_SABOTAGE", "1")
    for name in ("a", "hangs", "kills", "once", "z"):
        (tmp_path / f"in/{name}.png").parent.mkdir(exist_ok=True)
        (tmp_path / f"in/{name}.png").write_bytes(picture())
    settings = JudgeSettings(timeout_s=3)
    summary, _ = run_all(tmp_path / "out", [str(tmp_path / "in/*.png")], settings)
    rows = {Path(row["path"]).stem: row for row in rows_of(tmp_path / "out")}
    assert [row["reasons"] for row in rows.values()] == [
        "no_face", "unreadable", "unreadable", "no_face", "no_face",
    ]  # fmt: skip
    assert rows["kills"]["advice"] == "the process that read it ended with signal 11."
    assert rows["hangs"]["advice"] == "took longer than 3 s and was ended."
    assert rows["kills"]["sha256"]
    assert summary["dead"] == 2


def test_parts_are_held_against_the_list(tmp_path):
    write_pictures(tmp_path / "in", 2)
    output = tmp_path / "out"
    run = open_run(str(output), [str(tmp_path / "in")], SHIPPED_MODEL, JudgeSettings(),
                   form="csv", part_rows=1)  # fmt: skip
    with pytest.raises(BonafideError, match="missing"):
        finish(run)
    list(run_local(run.task, run.pending(), 1))
    first = output / "parts" / "part-0000000.csv"
    first.write_bytes((output / "parts" / "part-0000001.csv").read_bytes())
    with pytest.raises(BonafideError, match="other inputs"):
        finish(run)
    assert not (output / "summary.json").exists()


def test_closing_the_engine_stops_it_and_writes_no_half_part(tmp_path):
    write_pictures(tmp_path / "in", 12)
    run = open_run(str(tmp_path / "out"), [str(tmp_path / "in")], SHIPPED_MODEL,
                   JudgeSettings(), form="csv", part_rows=4)  # fmt: skip
    engine = run_local(run.task, run.pending(), 1)
    next(engine)
    engine.close()
    assert 1 <= len(rows_of(tmp_path / "out")) // 4 < 3
    assert len(rows_of(tmp_path / "out")) % 4 == 0


def test_a_model_that_changed_stops_the_workers(tmp_path):
    write_pictures(tmp_path / "in", 1)
    run = open_run(str(tmp_path / "out"), [str(tmp_path / "in")], SHIPPED_MODEL, JudgeSettings())
    (tmp_path / "out" / "model.onnx").write_bytes(b"another")
    with pytest.raises(BonafideError, match="not the model"):
        list(run_local(run.task, run.pending(), 1))
    (tmp_path / "no.onnx").write_bytes(b"no model")
    run = open_run(str(tmp_path / "two"), [str(tmp_path / "in")], tmp_path / "no.onnx",
                   JudgeSettings())  # fmt: skip
    with pytest.raises(BonafideError, match="ONNX Runtime"):
        list(run_local(run.task, run.pending(), 1))


def test_a_missing_input_and_one_that_is_too_large_are_dead_not_lost(tmp_path):
    (tmp_path / "large.png").write_bytes(picture(size=(400, 400)) + b"\0" * 2000)
    (tmp_path / "small.png").write_bytes(picture())
    table = tmp_path / "t.csv"
    table.write_text("path\nlarge.png\nnone.png\nfile:///none.png\nsmall.png\n.\n")
    settings = JudgeSettings(max_bytes=1000)
    run_all(tmp_path / "out", [str(table)], settings, form="csv")
    advice = [row["advice"] for row in rows_of(tmp_path / "out")]
    assert "1,000 bytes are allowed" in advice[0]
    assert [text.partition(".")[0] for text in advice[1:3]] == ["does not exist"] * 2
    assert rows_of(tmp_path / "out")[3]["reasons"] == "no_face"
    assert advice[4].startswith("is a folder.")


def test_a_worker_leaves_a_part_alone_that_another_has_written(finished, tmp_path):
    output = finished[0]
    run = open_run(str(output), json.loads((output / "run.json").read_text())["inputs"],
                   output / "model.onnx", JudgeSettings(), part_rows=2)  # fmt: skip
    with ChunkWorker(replace(run.task)) as worker:
        assert worker.work(next(run.chunks())).rows == 0


def test_a_table_of_rows_reads_back_as_it_was_written(tmp_path):
    from bonafide.deploy.batch_rows import encode_rows, fill

    row = fill({"path": 'a,"b"\nc', "score": 0.1 + 0.2, "faces": 0, "ms": 1.5})
    for form in ("csv", "parquet"):
        (tmp_path / form).write_bytes(encode_rows([row], form))
        with (tmp_path / form).open("rb") as stream:
            assert list(decode_rows(stream, form)) == [row]
