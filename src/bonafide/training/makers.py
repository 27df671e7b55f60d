"""Batches made by forked processes, in memory that a GPU reads by itself."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeAlias

import cv2
import numpy as np
import torch
from torch import Tensor

from bonafide.types import BonafideError

Batch: TypeAlias = tuple[Tensor, ...]

AHEAD = 3
"""Batches that each maker has ready while the network works."""
MAKERS = 15
"""Processes at most that make batches."""
ALIGNED = 64
"""Bytes; where a tensor begins in its slot."""


class Steps(Protocol):
    """The batches of a run's steps, each made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Batch: ...


def made_by_processes(steps: Steps, device: torch.device) -> Iterator[Batch]:
    """The batches in order, on the device, made by processes beside this one.

    They are forked, and so share what the batches are made of, and write into slots of memory that
    they share with this process. For a GPU the slots are page-locked: it fetches a batch while the
    network works, and this process, whose interpreter is busy with launching, copies nothing.

    Args:
        steps: of the run; the tensors of all batches have one shape and type each.
        device: where they are wanted.

    Raises:
        BonafideError: a batch is of another shape than the first, or a maker has died; what a maker
            raises is raised here.
    """
    if not len(steps):
        return
    makers = max(1, min(MAKERS, (os.cpu_count() or 1) - 1, len(steps)))
    shelf = _Shelf(steps[0], makers * AHEAD)
    team = _Team(steps, shelf, makers)
    shelf.lock(device)  # after the fork: the makers have no business with the device
    fetcher = _Fetcher(device)
    try:
        for number in range(len(steps)):
            yield fetcher.fetch(shelf[team.wait_for(number)])
            fetcher.wait()
            team.give_back(number)
    finally:
        team.dismiss()
        shelf.unlock()


class _Fetcher:
    """Copies batches to a device: to a GPU beside its work on the batch before."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._beside = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._fetched: torch.cuda.Event | None = None

    def fetch(self, batch: Batch) -> Batch:
        """A copy on the device, which its work from now on waits for."""
        if self._beside is None:
            return tuple(part.to(self._device, copy=True) for part in batch)
        with torch.cuda.stream(self._beside):
            there = tuple(part.to(self._device, non_blocking=True) for part in batch)
            self._fetched = self._beside.record_event()
        work = torch.cuda.current_stream(self._device)
        work.wait_event(self._fetched)
        for part in there:
            part.record_stream(work)  # else its memory could be given away too early
        return there

    def wait(self) -> None:
        """Until what was fetched is there."""
        if self._fetched is not None:
            self._fetched.synchronize()


class _Shelf:
    """Slots of shared memory, each with room for one batch."""

    def __init__(self, like: Batch, slots: int) -> None:
        starts = np.cumsum([0, *(-(-part.nbytes // ALIGNED) * ALIGNED for part in like)])
        self._size = slots * int(starts[-1])
        self._memory = mmap.mmap(-1, max(self._size, 1))  # shared with what is forked
        whole = torch.frombuffer(self._memory, dtype=torch.uint8)
        self._slots = [
            tuple(
                whole[base + start : base + start + part.nbytes].view(part.dtype).view(part.shape)
                for start, part in zip(starts[:-1].tolist(), like, strict=True)
            )
            for base in range(0, self._size, int(starts[-1]))
        ]
        self._address, self._locked = whole.data_ptr(), False

    def __getitem__(self, slot: int) -> Batch:
        return self._slots[slot]

    def put(self, slot: int, batch: Batch) -> None:
        """Copy a batch into a slot.

        Raises:
            BonafideError: it is of another shape or type than what the shelf was made for.
        """
        told = [(tuple(part.shape), part.dtype) for part in batch]
        room = [(tuple(part.shape), part.dtype) for part in self[slot]]
        if told != room:
            raise BonafideError(
                f"is of {told}, and the first batch is of {room}.",
                where="a training batch",
                remedy="Make all batches of a run alike.",
            )
        for part, place in zip(batch, self[slot], strict=True):
            place.copy_(part)

    def lock(self, device: torch.device) -> None:
        """Lock the pages for a GPU, which otherwise fetches by way of another copy."""
        if device.type == "cuda":
            self._locked = torch.cuda.cudart().cudaHostRegister(self._address, self._size, 0) == 0

    def unlock(self) -> None:
        """Unlock them."""
        if self._locked:
            torch.cuda.cudart().cudaHostUnregister(self._address)
            self._locked = False


class _Team:
    """The makers: batch n is made by the maker n modulo their number."""

    def __init__(self, steps: Steps, shelf: _Shelf, makers: int) -> None:
        context = multiprocessing.get_context("fork")
        self._lines: list[Connection] = []
        self._makers: list[BaseProcess] = []
        for maker in range(makers):
            ours, theirs = context.Pipe()
            work = (steps, shelf, (maker, makers), theirs, [*self._lines, ours])
            process = context.Process(target=_make, args=work, daemon=True)
            process.start()
            theirs.close()
            self._lines.append(ours)
            self._makers.append(process)

    def wait_for(self, number: int) -> int:
        """Wait until a batch is made; its slot.

        Raises:
            BonafideError: its maker has died.
        """
        maker = number % len(self._lines)
        try:
            failure = self._lines[maker].recv()
        except (EOFError, ConnectionError):
            self._makers[maker].join(1)
            raise BonafideError(
                f"has died (exit status {self._makers[maker].exitcode}).",
                where="a process that makes batches",
                remedy="Free memory, and go on with --resume.",
            ) from None
        if failure is not None:
            raise failure
        return _slot_of(number, len(self._lines))

    def give_back(self, number: int) -> None:
        """Let a batch's maker use its slot again."""
        with contextlib.suppress(ConnectionError):  # its last batch is made; or see `wait_for`
            self._lines[number % len(self._lines)].send_bytes(b"free")

    def dismiss(self) -> None:
        """Send the makers home."""
        for line in self._lines:
            line.close()
        for process in self._makers:
            process.terminate()
            process.join()


def _slot_of(number: int, makers: int) -> int:
    """A maker's own slots in turns."""
    return number % makers * AHEAD + number // makers % AHEAD


def _make(
    steps: Steps,
    shelf: _Shelf,
    place: tuple[int, int],
    line: Connection,
    others: list[Connection],
) -> None:
    """What a maker does; it ends when its batches are made or nobody waits for them."""
    maker, makers = place
    for other in others:  # else nobody would learn that this process's parent is gone
        other.close()
    cv2.setNumThreads(0)  # OpenCV's and torch's threads do not survive a fork
    torch.set_num_threads(1)
    try:
        for number in range(maker, len(steps), makers):
            if number // makers >= AHEAD:
                line.recv_bytes()
            shelf.put(_slot_of(number, makers), steps[number])
            line.send(None)
    except (EOFError, ConnectionError):
        return
    except Exception as error:  # noqa: BLE001 - told to who waits
        line.send(error)
