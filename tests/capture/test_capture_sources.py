import os

import numpy as np
import pytest
from capture_makers import clip_bytes, photo_bytes, png_bomb

from bonafide.capture.errors import (
    CaptureError,
    EmptyFileError,
    MissingFileError,
    NothingFoundError,
    TooLargeError,
    TruncatedFileError,
    UnreadableFileError,
    WrongTypeError,
)
from bonafide.capture.limits import Limits
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources, open_source, open_sources
from bonafide.capture.video import ClipReader
from bonafide.types import Frame

PHOTO = photo_bytes(np.full((16, 16, 3), 90, np.uint8), "PNG")
CLIP = clip_bytes(5)


@pytest.fixture
def folder(tmp_path):
    """Two photos, a clip under a wrong name, a text, and things that are not to be seen."""
    root = tmp_path / "captures"
    (root / "b" / "deep").mkdir(parents=True)
    (root / ".hidden").mkdir()
    files = {
        "z.png": PHOTO,
        "a.jpg": CLIP,
        "notes.txt": b"taken on Monday",
        "b/deep/x.webp": PHOTO,
        "b/half.mp4": CLIP[: len(CLIP) // 2],
        "b/empty.png": b"",
        ".hidden/p.png": PHOTO,
        ".DS_Store": b"\0\0",
    }
    for name, data in files.items():
        (root / name).write_bytes(data)
    return root


def listed(sources, root):
    return [
        (str(source.path.relative_to(root)), source.kind or type(source.error))
        for source in sources
    ]


def test_a_folder_is_listed_in_order_with_every_file_accounted_for(folder):
    assert listed(expand_sources([str(folder)]), folder) == [
        ("a.jpg", MediaKind.CLIP),
        ("b/deep/x.webp", MediaKind.PHOTO),
        ("b/empty.png", EmptyFileError),
        ("b/half.mp4", MediaKind.CLIP),
        ("notes.txt", WrongTypeError),
        ("z.png", MediaKind.PHOTO),
    ]


def test_patterns_and_files_keep_their_order_and_come_once(folder):
    named = [str(folder / "z.png"), str(folder / "*.[jp]*"), str(folder / "**" / "x.*")]
    assert listed(expand_sources(named), folder) == [
        ("z.png", MediaKind.PHOTO),
        ("a.jpg", MediaKind.CLIP),
        ("b/deep/x.webp", MediaKind.PHOTO),
    ]


def test_a_file_named_like_a_pattern_is_taken_by_its_name(tmp_path):
    path = tmp_path / "face[1].png"
    path.write_bytes(PHOTO)
    (source,) = expand_sources([str(path)])
    assert source.kind is MediaKind.PHOTO


def test_what_leads_nowhere_is_an_error_and_the_rest_is_read(folder, tmp_path):
    (tmp_path / "nothing" / "below").mkdir(parents=True)
    named = [
        str(folder / "gone.png"),
        str(tmp_path / "nothing"),
        str(tmp_path / "*.mkv"),
        str(folder / "z.png"),
    ]
    sources = expand_sources(named)
    assert [type(source.error) for source in sources] == [
        MissingFileError,
        NothingFoundError,
        NothingFoundError,
        type(None),
    ]
    for source, name in zip(sources, named, strict=True):
        if source.error:
            assert name in str(source.error)
            assert source.error.remedy
    with pytest.raises(NothingFoundError):
        expand_sources([])


def test_a_run_goes_on_after_an_error(folder):
    seen = []
    for source, opened in open_sources(expand_sources([str(folder)]), sample_hz=30):
        if isinstance(opened, ClipReader):
            seen.append((source.path.name, len(list(opened))))
        elif isinstance(opened, Frame):
            seen.append((source.path.name, opened.rgb.shape))
        else:
            seen.append((source.path.name, type(opened)))
    assert seen == [
        ("a.jpg", 5),
        ("x.webp", (16, 16, 3)),
        ("empty.png", EmptyFileError),
        ("half.mp4", TruncatedFileError),
        ("notes.txt", WrongTypeError),
        ("z.png", (16, 16, 3)),
    ]


def test_clips_are_closed_when_the_run_goes_on_or_stops(folder):
    before = len(os.listdir("/proc/self/fd"))
    run = open_sources(expand_sources([str(folder)]))
    _, clip = next(run)
    next(run)
    assert list(clip) == []
    run.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_opening_an_entry_with_an_error_raises_it(folder):
    (source,) = expand_sources([str(folder / "notes.txt")])
    with pytest.raises(WrongTypeError, match=r"notes\.txt.*text"):
        open_source(source)


def test_limits_reach_both_listing_and_opening(tmp_path):
    (tmp_path / "bomb.png").write_bytes(png_bomb(9000, 9000))
    (source,) = expand_sources([str(tmp_path / "bomb.png")])
    with pytest.raises(TooLargeError):
        open_source(source)
    (source,) = expand_sources([str(tmp_path / "bomb.png")], Limits(max_bytes=10))
    assert isinstance(source.error, TooLargeError)


def test_links_are_followed_and_circles_end(folder):
    (folder / "b" / "circle").symlink_to(folder)
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "far.png").write_bytes(PHOTO)
    (folder / "c").symlink_to(elsewhere)
    names = dict(listed(expand_sources([str(folder)]), folder))
    assert names["c/far.png"] is MediaKind.PHOTO
    assert names["dangling.png"] is MissingFileError
    assert len(names) == 8


def test_pipes_and_locked_folders_are_errors(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "locked").mkdir()
    (tmp_path / "z.png").write_bytes(PHOTO)
    listing = type(tmp_path).iterdir

    def iterdir(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", iterdir)
    sources = expand_sources([str(tmp_path)])
    assert [source.path.name for source in sources] == ["locked", "pipe.png", "z.png"]
    assert isinstance(sources[0].error, UnreadableFileError)
    assert isinstance(sources[1].error, UnreadableFileError)
    assert sources[2].error is None
    assert all(isinstance(source.error, CaptureError) for source in sources[:2])
