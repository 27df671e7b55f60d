"""The verb `bonafide magnify`."""

import subprocess
import sys

import numpy as np
import pytest

from bonafide.capture.video import read_frames
from bonafide.cues.clip_writer import ClipWriter
from bonafide.types import BonafideError
from tests import verbs


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    with ClipWriter(path) as writer:
        for index in range(75):
            writer.write(np.roll(picture, index // 20, 1), index / 25)
    return path


def run(*words):
    return verbs.run("magnify", *words)


@pytest.mark.slow
def test_everything_at_once(clip, tmp_path):
    out, wave, sheet = (tmp_path / name for name in ("out.mp4", "wave.png", "sheet.png"))
    result = run(
        *(clip, out, "--preset", "face-motion", "--alpha", 20, "--low", 0.5, "--high", 3),
        *("--cutoff-px", 80, "--side-by-side", "--slice", wave, "--slice-at", "row:10"),
        *("--sheet", sheet, "--alphas", "5,10"),
    )
    assert result.exit_code == 0
    assert result.stdout.split() == [str(out), str(wave), str(sheet)]
    frames = list(read_frames(out))
    assert len(frames) == 75
    assert frames[0].rgb.shape == (48, 128, 3)


def test_colour(clip, tmp_path):
    assert run(clip, tmp_path / "out.mp4", "--preset", "face-pulse", "--level", 3).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--preset", "face"], "--preset"),
        (["--preset", "face-pulse", "--cutoff-px", "80"], "--cutoff-px"),
        (["--level", "3"], "--level"),
        (["--slice-at", "middle"], "--slice-at"),
        (["--sheet", "sheet.png", "--alphas", "5;10"], "--alphas"),
        (["--high", "12.5"], "high_hz"),
        (["--low", "0.2"], "low_hz"),
        (["--alpha", "-1"], "alpha"),
    ],
)
def test_errors_name_the_option(clip, tmp_path, arguments, where):
    with pytest.raises(BonafideError) as caught:
        run(clip, tmp_path / "out.mp4", *arguments)
    assert caught.value.where == where
    assert caught.value.remedy


def test_it_needs_nothing_of_the_train_extra(clip, tmp_path):
    """Slower without a compiler, and the same to one level: see the tests of magnification."""
    out = tmp_path / "out.mp4"
    code = (
        "import sys\nfor name in ('numba', 'scipy', 'torch'): sys.modules[name] = None\n"
        f"sys.argv = ['bonafide', 'magnify', {str(clip)!r}, {str(out)!r}]\n"
        "from bonafide.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(read_frames(out))) == 75


def test_help_stays_light():
    code = (
        "import sys, bonafide.cli; heavy = {'cv2', 'numba', 'scipy', 'av', 'torch', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert not {"cv2", "numba", "scipy", "av", "torch"} & set(shown.split("'"))
