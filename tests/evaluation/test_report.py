"""The report folder: what is in the files, and that the page needs nothing else."""

import csv
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import load_operating_point
from bonafide.evaluation.assessment import assess
from bonafide.evaluation.intervals import upper_bound
from bonafide.evaluation.pictures import thumbnail
from bonafide.evaluation.record import ModelRecord
from bonafide.evaluation.report import Heading, claim, headline, write_report
from bonafide.evaluation.score_file import read_test
from tests.decision.tables import development, judged

SPECIES = ("bona_fide", "print", "replay & co <i>", "$mask$")


def table(kind, people, seed, **more):
    rng = np.random.default_rng(seed)
    rows, light, path = [], [], []
    for who in people:
        for number, species in enumerate(SPECIES):
            for clip in range(3):
                mean = rng.normal(0.75 - 0.2 * number, 0.15)
                for frame in range(2):
                    missing = clip == 2 and who % 5 == 0
                    score = None if missing else float(np.clip(mean + rng.normal(0, 0.02), 0, 1))
                    rows.append((species, f"p{who}", score, f"{who}-{number}-{clip}", frame))
                    light.append(("day", "night")[clip % 2])
                    path.append("face.png")
    return kind(rows, light=light, path=path, dataset=["twin (simulated)"] * len(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    Image.effect_noise((400, 300), 90).convert("RGB").save(root / "face.png")
    from bonafide.decision.aggregate import to_presentations

    dev = table(development, range(12), 1)
    point = choose("eer", to_presentations(dev))
    record = ModelRecord("model <script>alert(1)</script>", "1", {"training.epochs": "40"})
    assessment = assess(table(judged, range(12, 40), 2), point, development=dev, record=record)
    write_report(root / "out", assessment, Heading(record.name, "2026-11-23", root))
    return root / "out"


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids, self.tags = [], [], [], []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        named = dict(attributes)
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href", "action")]
        if "id" in named:
            self.ids.append(named["id"])
        if tag not in ("meta", "br", "img", "use", "path", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("use", "path", "line"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page(folder):
    parser = Page()
    parser.feed((folder / "report.html").read_text())
    return parser


def test_the_page_is_whole_and_loads_nothing(page, folder):
    assert page.open == []
    assert all(link.startswith(("#", "data:image/jpeg;base64,")) for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    text = (folder / "report.html").read_text()
    assert "@import" not in text
    assert "url(http" not in text
    assert "<script" not in text
    assert len(text) < 600_000


def test_names_are_shown_as_they_are_never_as_markup(page):
    assert "model <script>alert(1)</script>" in page.text
    assert "script" not in page.tags
    assert "i" not in page.tags
    assert "replay & co <i>" in page.text
    assert "$mask$" in page.text


def test_what_a_reader_looks_for_is_on_the_page(page):
    for words in (
        "were taken for a live person", "Simulated data", "Clopper-Pearson", "not normative",
        "no_face", "refused", "night", "training.epochs", "APNRR print", "BPNRR", "ever refused",
        "Calibration:", "EER (attacks pooled)", "rule of three" , "frame",
    ):  # fmt: skip
        assert words in page.text, words
    assert page.tags.count("svg") >= 5
    assert page.tags.count("img") >= 8


def test_json_and_csv_agree_with_a_count_of_the_decisions(folder):
    record = json.loads((folder / "report.json").read_text())
    decisions = list(csv.DictReader((folder / "decisions.csv").open()))
    threshold = load_operating_point(folder / "operating_point.json").threshold
    rates = {
        (row["rate"], row["species"]): (int(row["events"]), int(row["trials"]))
        for row in csv.DictReader((folder / "rates.csv").open())
        if row["column"] == "all"
    }
    assert len(decisions) == 28 * 4 * 3
    for row in csv.DictReader((folder / "rates.csv").open()):
        if row["trials"] != "0":
            assert float(row["value"]) == int(row["events"]) / int(row["trials"])
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
    for species in SPECIES:
        mine = [row for row in decisions if row["pai_species"] == species]
        answered = [float(row["score"]) for row in mine if row["score"]]
        accepted = sum(score >= threshold for score in answered)
        name, wrong = ("apcer", accepted)
        if species == "bona_fide":
            name, wrong = "bpcer", len(answered) - accepted
        assert rates[name, species] == (wrong, len(answered))
        silent = "bpnrr" if species == "bona_fide" else "apnrr"
        assert rates[silent, species] == (len(mine) - len(answered), len(mine))
        said = [row["decision"] for row in mine]
        assert said.count("not_evaluated") == len(mine) - len(answered)
        assert said.count("bona_fide") == accepted
        if species != "bona_fide":
            in_json = record["rates"]["apcer_by_species"][species]
            assert (in_json["events"], in_json["trials"]) == (wrong, len(answered))
    assert record["schema"] == "bonafide-report-1"
    assert record["test"]["unit"] == "presentation"
    assert record["frames"]["bpcer"]["trials"] == 2 * record["rates"]["bpcer"]["trials"]


def test_the_decisions_are_a_score_file(folder):
    table = read_test(folder / "decisions.csv")
    assert table.unit == "presentation"
    assert set(table.conditions["decision"].counts()) == {"bona_fide", "attack", "not_evaluated"}


def test_the_same_seed_writes_the_same_page(folder, tmp_path):
    from bonafide.decision.aggregate import to_presentations

    pages = []
    for _ in range(2):
        dev = table(development, range(12), 1)
        point = choose("eer", to_presentations(dev))
        assessment = assess(table(judged, range(12, 20), 2), point, development=dev, rounds=50)
        write_report(tmp_path, assessment, Heading("x", "2026-11-23", None))
        pages.append((tmp_path / "report.html").read_bytes())
    assert pages[0] == pages[1]
    assert b"data:image" not in pages[0]


@pytest.mark.parametrize("only", ["bona_fide", "print", "nothing answered"])
def test_a_report_of_one_class_says_so(tmp_path, only):
    species = "print" if only == "nothing answered" else only
    score = None if only == "nothing answered" else 0.3
    test = judged([(species, f"p{i}", score) for i in range(20)])
    dev = table(development, range(3), 1)
    assessment = assess(test, choose("threshold=0.5", dev), rounds=20)
    write_report(tmp_path, assessment, Heading("one", "2026-11-23", None))
    text = (tmp_path / "report.html").read_text()
    assert "there is no curve" in text
    json.loads((tmp_path / "report.json").read_text())


def test_the_claim_does_not_take_one_persons_attacks_for_independent():
    people = [("print", f"p{i}", 0.9 if i < 2 else 0.1) for i in range(10) for _ in range(30)]
    test = judged([*people, ("bona_fide", "p0", 0.9)])
    assessment = assess(test, choose("threshold=0.5", table(development, range(3), 1)))
    assert upper_bound(60, 300) < 0.25
    assert claim(assessment) == assessment.rate_intervals["apcer:print"].high > 0.35
    alone = [("print", f"p{i}", 0.1) for i in range(59)]
    assessment = assess(judged(alone), assessment.point)
    assert claim(assessment) == pytest.approx(0.05, abs=1e-3)
    assert headline(assessment)[1].startswith("With 95\u00a0% confidence for each kind of attack")


def test_any_script_may_name_a_species(tmp_path, recwarn):
    test = judged([("纸面具 $x^2$", "p", 0.2), ("bona_fide", "q", 0.9)])
    assessment = assess(test, choose("threshold=0.5", table(development, range(3), 1)), rounds=0)
    write_report(tmp_path, assessment, Heading("名", "2026-11-23", None))
    assert "纸面具 $x^2$" in (tmp_path / "report.html").read_text()
    assert [str(w.message) for w in recwarn if "Glyph" in str(w.message)] == []


def test_thumbnails_are_small_upright_and_never_an_error(tmp_path):
    picture = Image.new("RGB", (900, 300), "red")
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    picture.save(tmp_path / "a.jpg", exif=exif)
    uri = thumbnail(tmp_path / "a.jpg")
    import base64
    import io

    small = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert small.size[1] == 200
    assert small.size[0] < 80
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:400])
    Image.new("RGB", (10, 10)).save(tmp_path / "c.bmp")
    (tmp_path / "d.mp4").write_bytes(b"\x00" * 100)
    for name in ("b.jpg", "c.bmp", "d.mp4", "missing.jpg"):
        assert thumbnail(tmp_path / name) is None


def test_a_clip_shows_its_first_frame(tmp_path, write_clip):
    import numpy as np

    write_clip(
        tmp_path / "clip.mp4", [np.full((240, 320, 3), level, np.uint8) for level in (250, 5)]
    )
    uri = thumbnail(tmp_path / "clip.mp4")
    import base64
    import io

    small = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert small.size == (200, 150)
    assert np.asarray(small).mean() > 200
