"""Batches made by forked processes: the same ones, in order, and nobody is left behind."""

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass

import pytest
import torch

from bonafide.training import makers
from bonafide.training.makers import made_by_processes
from bonafide.types import BonafideError

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Numbers:
    """Batch n is a picture full of n and the number itself; one may fail or die."""

    count: int
    fails_at: int = -1
    dies_at: int = -1
    grows_at: int = -1

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == self.fails_at:
            raise BonafideError("cannot be made.", where=f"batch {index}", remedy="Mend it.")
        if index == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        side = 5 + (index == self.grows_at)
        return torch.full((2, side, 3), index % 256, dtype=torch.uint8), torch.tensor([index] * 2)


@pytest.fixture(autouse=True)
def _four_makers(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 5)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 60])
def test_the_batches_are_those_of_the_steps_in_order(count):
    steps = Numbers(count)
    made = list(made_by_processes(steps, CPU))
    assert len(made) == count
    for number, (picture, label) in enumerate(made):
        expected = steps[number]
        assert torch.equal(picture, expected[0])
        assert torch.equal(label, expected[1])
    assert not multiprocessing.active_children()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_batches_reach_a_gpu_whole():
    device, seen = torch.device("cuda"), []
    for picture, label in made_by_processes(Numbers(300), device):
        assert picture.device.type == "cuda"
        seen.append((picture.clone(), label.clone()))
    for number, (picture, label) in enumerate(seen):
        assert (picture == number % 256).all()
        assert (label == number).all()


def test_makers_stay_at_most_so_many_batches_ahead(monkeypatch):
    """Else a fast maker would write over a batch that was not fetched."""
    monkeypatch.setattr(makers, "AHEAD", 1)
    for number, (picture, _) in enumerate(made_by_processes(Numbers(40), CPU)):
        time.sleep(0.002)  # they could be far ahead
        assert (picture == number).all()


def test_who_stops_early_leaves_no_process():
    made = made_by_processes(Numbers(1000), CPU)
    next(made)
    assert multiprocessing.active_children()
    made.close()
    assert not multiprocessing.active_children()


def test_what_a_maker_raises_is_raised():
    made = made_by_processes(Numbers(30, fails_at=7), CPU)
    with pytest.raises(BonafideError, match="batch 7"):
        list(made)
    assert not multiprocessing.active_children()


def test_a_maker_that_died_is_an_error_and_not_a_wait():
    with pytest.raises(BonafideError, match=r"has died .exit status -9"):
        list(made_by_processes(Numbers(30, dies_at=9), CPU))


def test_a_batch_of_another_shape_is_an_error():
    with pytest.raises(BonafideError, match="all batches of a run alike"):
        list(made_by_processes(Numbers(30, grows_at=11), CPU))
