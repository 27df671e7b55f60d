"""Hostile uploads, one by one, against a running service: a stated refusal or a verdict, and the
service as well afterwards as before."""

import io
import pickle
import struct
import zipfile
import zlib

import numpy as np
import pytest
from capture_makers import (
    clip_bytes,
    jpeg_bomb,
    photo_bytes,
    png_bomb,
    png_chunk,
    sound_bytes,
    webp_bomb,
)
from PIL import Image

from bonafide.capture.limits import Limits
from bonafide.service.model_file import check_model_file, describe
from bonafide.service.refusal import STATUS
from bonafide.types import BonafideError
from tests.service.conftest import running
from tests.service.models import png, write_cascade

RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


class Tripwire:
    """A pickle that would leave a mark if anything loaded it."""

    def __reduce__(self):
        return (open, ("tripped", "w"))


def pickled():
    return pickle.dumps(Tripwire())


def zipped(name, content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def compressed_text_png():
    """50 MB of text in 50 kB, as a PNG comment."""
    whole = photo_bytes(RGB, "PNG")
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    return whole[:33] + text + whole[33:]


def deflate_bomb():
    """A PNG whose pixels unpack to far more than its header states."""
    return small_png(8, 8, 100_000_000)


def small_png(width, height, unpacked):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(unpacked))
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def animated(kind):
    pages = [Image.fromarray(np.roll(RGB, 8 * i, axis=1)) for i in range(200)]
    buffer = io.BytesIO()
    pages[0].save(buffer, kind, save_all=True, append_images=pages[1:])
    return buffer.getvalue()


def deep_png():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 21).save(buffer, "PNG")
    return buffer.getvalue()


JPEG = photo_bytes(RGB, "JPEG")
PNG = photo_bytes(RGB, "PNG")

PHOTOS = {
    "PNG bomb": (png_bomb(60_000, 60_000), "media_too_large"),
    "JPEG bomb": (jpeg_bomb(65_000, 65_000), "media_too_large"),
    "WebP bomb": (webp_bomb(16_000, 16_000), "media_too_large"),
    "PNG of one endless row": (small_png(2**31 - 1, 1, 100), "media_too_large"),
    "PNG without a size": (png_bomb(0, 0), "damaged_media"),
    "PNG that unpacks beyond its size": (deflate_bomb(), None),
    "PNG with a comment of 50 MB": (compressed_text_png(), None),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], "damaged_media"),
    "truncated PNG": (PNG[: len(PNG) // 2], "damaged_media"),
    "JPEG followed by a ZIP": (JPEG + zipped("../../x", b"x"), None),
    "JPEG followed by a page": (JPEG + b"<script>alert(1)</script>", None),
    "ZIP before a JPEG": (zipped("a", b"x") + JPEG, "unsupported_media"),
    "GIF that is JavaScript": (b"GIF89a=1;alert(1)//" + bytes(30), "unsupported_media"),
    "PDF before a JPEG": (b"%PDF-1.7\n" + JPEG, "unsupported_media"),
    "animated WebP": (animated("WEBP"), None),
    "animated PNG": (animated("PNG"), None),
    "animated GIF": (animated("GIF"), "unsupported_media"),
    "CMYK JPEG": (photo_bytes(RGB, "JPEG", "CMYK"), None),
    "16-bit PNG": (deep_png(), None),
    "one pixel": (photo_bytes(RGB[:1, :1], "PNG"), None),
    "one row": (photo_bytes(RGB[:1], "PNG"), None),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_media"),
    "TIFF": (photo_bytes(RGB, "TIFF"), "unsupported_media"),
    "BMP": (photo_bytes(RGB, "BMP"), "unsupported_media"),
    "FITS, gzipped": (b"\x1f\x8b\x08\0" + bytes(30), "unsupported_media"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", "unsupported_media"),
    "pickle": (pickled(), "unsupported_media"),
    "ZIP with a path upwards": (zipped("../../../../tmp/slip", b"x"), "unsupported_media"),
    "nothing but zeros": (bytes(5000), "unsupported_media"),
}  # fmt: skip

PLAYLIST = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
LINK = b"[playlist]\nFile1=http://192.0.2.1/a.mp4\n"


def endless():
    """A clip of one picture a frame that states nothing and goes on for 1,000 frames."""
    return clip_bytes(1000, codec="mpeg4", container="matroska", rate=30)


def playlist_in_avi():
    """The GAB2 trick of 2017: subtitles in an AVI that are a playlist."""
    whole = bytearray(clip_bytes(8, codec="mpeg4", container="avi"))
    at = whole.index(b"movi") + 4
    chunk = b"GAB2\0\x02\0" + PLAYLIST
    whole[at:at] = b"01sb" + struct.pack("<I", len(chunk)) + chunk + bytes(len(chunk) % 2)
    return bytes(whole)


def reference_movie():
    """A QuickTime file whose data reference names another file (alis and url boxes)."""
    whole = clip_bytes(8)
    return whole.replace(b"url \0\0\0\x01", b"url \0\0\0\0") + b"file:///etc/passwd\0"


CLIPS = {
    "HLS playlist": (PLAYLIST, "unsupported_media"),
    "PLS playlist": (LINK, "unsupported_media"),
    "concat script": (b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported_media"),
    "DASH manifest": (b'<?xml version="1.0"?><MPD><BaseURL>http://x</BaseURL></MPD>',
                      "unsupported_media"),
    "SDP": (b"v=0\no=- 0 0 IN IP4 192.0.2.1\nm=video 5004 RTP/AVP 96\n", "unsupported_media"),
    "playlist inside an AVI": (playlist_in_avi(), None),
    "MP4 that points elsewhere": (reference_movie(), None),
    "longer than allowed": (endless(), "media_too_large"),
    "sound only": (sound_bytes(), "damaged_media"),
    "sound with cover art": (sound_bytes(), "damaged_media"),
    "truncated MP4": (clip_bytes(30)[:600], "damaged_media"),
    "MP4 head over noise": (clip_bytes(4)[:64] + bytes(range(256)) * 20, "damaged_media"),
    "a photo": (JPEG, "unsupported_media"),
    "MPEG transport stream": (b"\x47\x40\0\x10" * 47, "unsupported_media"),
    "pickle": (pickled(), "unsupported_media"),
}  # fmt: skip


@pytest.fixture(scope="module")
def strict(make_settings):
    clip = Limits(max_bytes=4 << 20, max_pixels=1_000_000, max_frames=300, max_seconds=10)
    photo = Limits(max_bytes=4 << 20, max_pixels=16_000_000)
    with running(make_settings(clip=clip, photo=photo)) as one:
        yield one


def check(service, answer, code):
    """The expected refusal; for None a verdict that is not an acceptance, or any refusal of ours.

    Whatever comes, it comes from the worker that was there before.
    """
    told = answer.json()
    assert told["accepted"] is False
    if code is not None:
        assert (answer.status_code, told["code"]) == (STATUS[code], code)
    elif answer.status_code == 200:
        assert told["decision"] == "not_evaluated"
    else:
        assert answer.status_code in (413, 415, 422)
    assert "Traceback" not in answer.text
    assert "/etc" not in answer.text


@pytest.mark.parametrize("name", PHOTOS)
def test_a_hostile_photo(strict, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = strict.pool.pids.copy()
    content, code = PHOTOS[name]
    check(strict, strict.photo(content), code)
    assert strict.pool.pids == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", CLIPS)
def test_a_hostile_clip(strict, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = strict.pool.pids.copy()
    content, code = CLIPS[name]
    check(strict, strict.http.post("/v1/clip", content=content), code)
    assert strict.pool.pids == before
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def strict_cascade(make_settings, record, tmp_path_factory):
    model = write_cascade(tmp_path_factory.mktemp("cascade") / "cascade.onnx", record)
    photo = Limits(max_bytes=4 << 20, max_pixels=16_000_000)
    with running(make_settings(model=model, photo=photo)) as one:
        yield one


@pytest.mark.parametrize("name", PHOTOS)
def test_a_hostile_part_of_a_capture(strict_cascade, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = strict_cascade.pool.pids.copy()
    depth = np.full(RGB.shape[:2], 700, np.uint16)
    whole = {"rgb": PNG, "depth": png(depth), "infrared": png(RGB[..., 0])}
    content, code = PHOTOS[name]
    for part in whole:
        answer = strict_cascade.http.post("/v1/multimodal", files={**whole, part: content})
        check(strict_cascade, answer, code)
    assert strict_cascade.pool.pids == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\r\nSet-Cookie: b", "\u202egpj.exe", "x" * 5000, "'; DROP --"]
)
def test_a_files_name_is_never_used(strict, name):
    boundary = "b0"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + JPEG + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    answer = strict.photo(body, headers={"Content-Type": kind})
    assert answer.status_code in (200, 400)
    assert name not in answer.text
    assert "set-cookie" not in answer.headers


MODELS = {
    "pickle": pickled(),
    "old pickle": b"(dp0\nS'a'\np1\nI1\ns.",
    "torch file": zipped("archive/data.pkl", pickled()),
    "gzip": b"\x1f\x8b\x08\0" + bytes(20),
    "numpy": b"\x93NUMPY\x01\0" + pickled(),
    "safetensors": struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}',
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "nothing": b"",
    "a text": b"model",
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_no_onnx_is_refused_unread(name, tmp_path, monkeypatch, make_settings):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.onnx"
    path.write_bytes(MODELS[name])
    with pytest.raises(BonafideError, match="was not opened"):
        check_model_file(path)
    from bonafide.service.serve import make_server

    with pytest.raises(BonafideError, match=r"model\.onnx"):
        make_server(make_settings(model=path), "127.0.0.1", 0)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]  # no "tripped"


def test_every_protocol_of_pickle_is_known():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert describe(pickle.dumps({"a": 1}, protocol)[:16]) is not None


def test_the_room_reads_no_archives_and_no_pickles():
    import bonafide.service

    folder = bonafide.service.__path__[0]
    from pathlib import Path

    for path in Path(folder).glob("*.py"):
        text = path.read_text()
        for word in ("import pickle", "zipfile", "tarfile", "import shelve", "marshal", "eval("):
            assert word not in text, (path.name, word)
