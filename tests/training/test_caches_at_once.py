"""Two commands that want the same cache at once: one makes it, the other waits and opens it."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bonafide.cues.aligned_capture import AlignedCapture
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training import capture_cache as captures
from bonafide.training.array_cache import ArrayCache, Made, Recipe, array_cache
from bonafide.training.capture_cache import AlignSettings, CaptureCache, capture_cache
from bonafide.training.clip_cache import pool5_cache
from bonafide.types import Label, Presentation, Split

WAIT_S = 0.4
"""How long whoever makes a cache waits for the other to meddle."""

SAMPLES = [
    Presentation(f"p{i}", f"{i}.png", Label.BONA_FIDE, "bona_fide", "s", Split.TRAIN, "made up")
    for i in range(4)
]


class Maker:
    """Makes whatever it is asked for, slowly the first time, and counts."""

    def __init__(self, make):
        self.begun, self.calls, self._make = threading.Event(), 0, make

    def __call__(self, *given, **named):
        self.calls += 1
        if not self.begun.is_set():
            self.begun.set()
            threading.Event().wait(WAIT_S)
        return self._make(*given, **named)


def both(maker, want):
    """What two get that want the same, the second a moment later."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(want)
        assert maker.begun.wait(20)
        second = pool.submit(want)
        return first.result(), second.result()


def test_an_array_is_made_once_and_both_get_it(tmp_path):
    maker = Maker(lambda sample: Made([np.full(3, int(sample.presentation[1]), np.uint8)]))
    recipe = Recipe("values.npy", {"a": 1}, maker, "nothing")
    found = both(maker, lambda: array_cache(SAMPLES, tmp_path / "deep" / "cache", recipe))
    for cache in found:
        np.testing.assert_array_equal(cache.values, np.arange(4)[:, None] * np.ones(3))
    assert maker.calls == len(SAMPLES)
    assert not list((tmp_path / "deep").glob("*.partial"))


@pytest.fixture
def aligned():
    grey = np.zeros((8, 8), np.uint8)
    rgb, depth = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32)
    return AlignedCapture(rgb, grey, depth, np.zeros((5, 2), np.float32), 9.0, 1.0)


def test_captures_are(tmp_path, aligned, monkeypatch):
    maker = Maker(lambda sample, settings: (aligned, ""))
    monkeypatch.setattr(captures, "align_sample", maker)
    settings = AlignSettings(crop_px=8)
    found = both(maker, lambda: capture_cache(SAMPLES, tmp_path / "cache", settings))
    for cache in found:
        assert [sample.presentation for sample in cache.samples] == ["p0", "p1", "p2", "p3"]
        assert cache.arrays["depth"].shape == (4, 8, 8)
    assert maker.calls == len(SAMPLES)


def test_planes_of_captures_are(tmp_path, aligned):
    facts = np.r_[9.0, 1.0, np.zeros(10)]
    arrays = {
        "rgb": aligned.rgb[None],
        "infrared": aligned.infrared[None],
        "depth": aligned.depth[None],
        "facts": facts[None],
    }
    cache = CaptureCache(tmp_path, arrays, SAMPLES[:1], [])
    maker = Maker(lambda one: np.full((8, 8, 2), 7, np.uint8))
    for planes in both(maker, lambda: cache.planes("planes", {"of": "depth"}, maker)):
        assert planes.shape == (1, 8, 8, 2)
        assert (planes == 7).all()
    assert maker.calls == 1


def test_pool5_is(tmp_path, monkeypatch):
    network = MotionCnnLstm("cnn", "small", 2, 8)
    real = network.cnn
    maker = Maker(lambda clip: torch.zeros(2, *real.plan.pool5))
    fake = SimpleNamespace(cnn=maker, parameters=network.parameters)
    maker.plan, maker.eval, maker.state_dict = real.plan, lambda: None, real.state_dict
    clips = ArrayCache(np.zeros((3, 2, 112, 112, 3), np.uint8), [], [])
    for pool5 in both(maker, lambda: pool5_cache(clips, tmp_path / "pool5", fake)):
        assert pool5.shape == (3, 2, *real.plan.pool5)
    assert maker.calls == 3


def test_a_cache_that_fits_needs_no_lock(tmp_path):
    """It may lie where nobody can write."""
    recipe = Recipe("values.npy", {}, lambda sample: Made([np.zeros(1)]), "nothing")
    array_cache(SAMPLES, tmp_path / "cache", recipe)
    for lock in tmp_path.glob("*.lock"):
        lock.unlink()
    array_cache(SAMPLES, tmp_path / "cache", recipe)
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]


def test_the_lock_of_a_killed_command_is_free(tmp_path):
    from bonafide.training.once import alone

    code = "import sys, time\nfrom pathlib import Path\nfrom bonafide.training.once import alone\n"
    code += "with alone(Path(sys.argv[1])):\n    print('in', flush=True)\n    time.sleep(60)\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline().strip() == "in"
    with ThreadPoolExecutor(1) as pool:

        def enter():
            with alone(tmp_path / "lock"):
                return True

        waiting = pool.submit(enter)
        threading.Event().wait(0.2)
        assert not waiting.done()
        holder.send_signal(signal.SIGKILL)
        assert waiting.result(timeout=20)
    holder.wait()
