"""A worker that dies, hangs or wants too much costs one request, and another takes its place."""

import asyncio
import signal
import threading
import time

import numpy as np
import pytest

from bonafide.service.link import HUGE_PAGES, WorkerLink, worker_environment
from bonafide.service.pool import WorkerPool, _loss
from bonafide.service.refusal import Refusal
from bonafide.service.wire import Wish
from bonafide.types import BonafideError
from tests.service.conftest import running


@pytest.fixture(scope="module")
def noise(jpeg_of):
    """4.8 megapixels without a face: about a second of work."""
    return jpeg_of(np.random.default_rng(0).integers(0, 256, (2000, 2400, 3), np.uint8))


def in_background(call):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def counts(service, cause):
    return f'bonafide_workers_lost_total{{cause="{cause}"}}' in service.http.get("/metrics").text


@pytest.fixture(scope="module")
def hasty(make_settings):
    """A service whose workers may take two seconds."""
    with running(make_settings(wall_s=2.0, cpu_s=10.0)) as one:
        yield one


def test_a_killed_worker_costs_its_one_request(hasty, noise, face_jpeg):
    [worker] = hasty.workers()
    thread, answers = in_background(lambda: hasty.photo(noise))
    hasty.until(lambda: hasty.pool.inside)
    time.sleep(0.2)
    worker.kill()
    after = hasty.photo(face_jpeg)
    thread.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (500, "worker_lost")
    assert after.status_code == 200
    assert [one.pid for one in hasty.workers()] != [worker.pid]
    assert counts(hasty, "crash")


def test_a_worker_killed_while_idle_costs_nothing(hasty, face_jpeg):
    [worker] = hasty.workers()
    worker.kill()
    answers = [hasty.photo(face_jpeg).status_code for _ in range(3)]
    assert answers == [200, 200, 200]
    assert counts(hasty, "idle")


def test_workers_ask_for_large_pages_and_leave_the_operators_choice():
    assert worker_environment({})["GLIBC_TUNABLES"] == HUGE_PAGES
    other = "glibc.malloc.check=1"
    assert (
        worker_environment({"GLIBC_TUNABLES": other})["GLIBC_TUNABLES"] == f"{other}:{HUGE_PAGES}"
    )
    chosen = f"glibc.malloc.hugetlb=0:{other}"
    assert worker_environment({"GLIBC_TUNABLES": chosen})["GLIBC_TUNABLES"] == chosen
    assert worker_environment({"HOME": "/home/a"})["HOME"] == "/home/a"


def test_running_workers_have_their_environment(hasty):
    hasty.until(lambda: hasty.pool.ready)
    for worker in hasty.workers():
        told = worker.environ()
        assert HUGE_PAGES in told["GLIBC_TUNABLES"]
        assert told["OMP_NUM_THREADS"] == "1"


@pytest.mark.slow
def test_a_hung_worker_is_replaced(hasty, face_jpeg):
    hasty.until(lambda: hasty.pool.ready)
    [worker] = hasty.workers()
    worker.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    hung = hasty.photo(face_jpeg)
    assert (hung.status_code, hung.json()["code"]) == (422, "too_costly")
    assert time.monotonic() - began < 5
    assert hasty.photo(face_jpeg).status_code == 200
    assert not worker.is_running()


class _SilentLink(WorkerLink):
    """A worker that never answers."""

    def __init__(self, stands_still_s):
        self._stands_still_s = stands_still_s
        self._back = asyncio.StreamReader()

    async def _send(self, job):
        asyncio.get_running_loop().call_later(0.01, time.sleep, self._stands_still_s)


@pytest.mark.parametrize(("stands_still_s", "cause"), [(0.0, "wall"), (1.3, "stalled")])
def test_a_machine_that_stood_still_is_not_the_uploads_fault(stands_still_s, cause):
    async def ask():
        return await _SilentLink(stands_still_s).work(None, 0.05)

    assert asyncio.run(ask()) == {"lost": cause}
    refusal = _loss(cause)
    assert refusal.code == ("overloaded" if cause == "stalled" else "too_costly")
    assert bool(refusal.retry_after_s) == (cause == "stalled")


@pytest.mark.slow
def test_processor_time_and_memory_are_bounded(make_settings, noise, face_jpeg):
    with running(make_settings(cpu_s=1.0)) as one:
        many = one.photo(noise)
        if many.status_code != 200:  # on a fast machine a second may be enough
            assert many.json()["code"] == "too_costly"
            assert "processor time" in many.json()["problem"]
    with running(make_settings(memory_bytes=600 << 20)) as one:
        assert one.photo(face_jpeg).status_code == 200
        told = one.photo(noise)
        assert (told.status_code, told.json()["code"]) == (422, "too_costly")
        assert "memory" in told.json()["problem"]
        assert one.photo(face_jpeg).status_code == 200


@pytest.mark.slow
def test_a_full_house_refuses_and_says_when_to_come_back(make_settings, noise, face_jpeg):
    with running(make_settings(queue=1)) as one:
        first, _ = in_background(lambda: one.photo(noise))
        one.until(lambda: one.pool.inside == 1)
        second, answers = in_background(lambda: one.photo(face_jpeg))
        one.until(lambda: one.pool.inside == 2)
        assert "bonafide_requests_inside 2.0" in one.http.get("/metrics").text
        third = one.photo(face_jpeg)
        assert (third.status_code, third.json()["code"]) == (503, "overloaded")
        assert int(third.headers["retry-after"]) >= 1
        first.join()
        second.join()
        assert answers[0].status_code == 200
        assert one.pool.inside == 0
        assert one.photo(face_jpeg).status_code == 200


def test_who_waits_too_long_is_refused(make_settings, face_jpeg):
    with running(make_settings(queue_s=0.3)) as one:
        [worker] = one.workers()
        worker.send_signal(signal.SIGSTOP)
        first, taken = in_background(lambda: one.photo(face_jpeg))
        one.until(lambda: one.pool.inside == 1)
        time.sleep(0.2)
        second, late = in_background(lambda: one.photo(face_jpeg))
        one.until(lambda: one.pool.inside == 2)
        time.sleep(0.6)
        worker.send_signal(signal.SIGCONT)
        first.join()
        second.join()
        assert taken[0].status_code == 200
        assert (late[0].status_code, late[0].json()["code"]) == (503, "overloaded")


def test_workers_do_not_outlive_the_service(make_settings):
    with running(make_settings(workers=2)) as one:
        workers = one.workers()
        assert len(workers) == 2
    assert not any(worker.is_running() for worker in workers)


def test_a_model_that_cannot_be_loaded_stops_the_start(make_settings, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08" + bytes(100))
    with pytest.raises(BonafideError, match=r"model\.onnx"):
        asyncio.run(WorkerPool(make_settings(model=path), lambda _: None).start())


def test_stopping_refuses_what_still_waits(make_settings, noise):
    async def scene():
        pool = WorkerPool(make_settings(), lambda _: None)
        await pool.start()
        jobs = [asyncio.ensure_future(pool.judge(Wish("photo"), {"file": noise})) for _ in range(3)]
        await asyncio.sleep(0.2)
        await pool.stop()
        return await asyncio.gather(*jobs, return_exceptions=True)

    outcomes = asyncio.run(scene())
    assert all(isinstance(one, Refusal) and one.code == "overloaded" for one in outcomes)
