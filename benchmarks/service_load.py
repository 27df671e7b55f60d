"""Load the service beyond its capacity, kill parts of it, and compare it with the bare runtime.

python benchmarks/service_load.py --seconds 60 --workers 2

Prints Markdown. Everything that sends requests is a second process (this file with --client).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from bonafide.capture.image import decode_image
from bonafide.cli.demo import PHOTO
from bonafide.deploy.detector import Detector

CONNECTIONS = 96
STATED = {429, 503}


def bare_rate(workers, seconds):
    """Photos a second that as many bare processes judge, decoding included."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        counts = pool.map(_bare_loop, [seconds] * workers, chunksize=1)
    return sum(counts) / seconds


def _bare_loop(seconds):
    import cv2

    cv2.setNumThreads(1)
    detector, photo = Detector.load(), PHOTO.read_bytes()
    detector(decode_image(photo, "photo").rgb)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        detector(decode_image(photo, "photo").rgb)
        count += 1
    return count


def batch_share():
    """Milliseconds of a photo, of the network for one face, and of it for a face among 8."""
    detector, photo = Detector.load(), PHOTO.read_bytes()
    examination = detector.examine(decode_image(photo, "photo").rgb)
    one = examination.crops.crops[None]
    many = np.repeat(one, 8, axis=0)

    def best(call, repeats=30):
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        return 1e3 * min(times)

    whole = best(lambda: detector(decode_image(photo, "photo").rgb))
    return whole, best(lambda: detector.scorer.score(one)), best(
        lambda: detector.scorer.score(many)
    ) / 8  # fmt: skip


class Service:
    """`bonafide serve` as a process that is started again when it dies, as systemd would."""

    def __init__(self, folder, workers, port=None):
        self.folder, self.workers, self.port = folder, workers, port or free_port()
        self.process = None
        self.start()

    def start(self):
        command = [sys.executable, "-m", "bonafide", "serve", "--port", str(self.port)]
        command += ["--workers", str(self.workers), "--queue", "16", "--concurrent", "500"]
        command += ["--per-minute", "1000000", "--burst", "1000000", "--no-page"]
        command += ["--store", f"sqlite:///{self.folder}/audit.db", "--retain", "decision"]
        log = (self.folder / "service.log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                    client.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    if client.recv(100).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError("the service does not get ready")

    def tree(self):
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def resident_mib(self):
        total = 0
        for one in self.tree():
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue
        return total / 2**20

    def stop(self):
        self.process.terminate()
        self.process.wait(40)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_client(port, seconds, rate, connections):
    """A second process that sends; rate 0 sends as fast as answers come."""
    command = [sys.executable, __file__, "--client", str(port), "--seconds", str(seconds)]
    command += ["--rate", str(rate), "--connections", str(connections)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(client):
    return json.loads(client.communicate()[0])


class Sender:
    """Keep-alive connections that send one photo after another and note what comes back."""

    def __init__(self, port, seconds, rate):
        self.port, self.seconds, self.rate = port, seconds, rate
        self.photo = PHOTO.read_bytes()
        self.statuses, self.times, self.audits = Counter(), [], []
        self.broken, self.unreachable, self.sent = 0, 0, 0
        self.due = asyncio.Queue()

    async def run(self, connections):
        end = time.monotonic() + self.seconds
        tasks = [asyncio.create_task(self.keep_sending(end)) for _ in range(connections)]
        if self.rate:
            start, number = time.monotonic(), 0
            while (now := time.monotonic()) < end:
                while number < (now - start) * self.rate:
                    self.due.put_nowait(number)
                    number += 1
                await asyncio.sleep(0.002)
            for _ in tasks:
                self.due.put_nowait(None)
        await asyncio.gather(*tasks)

    async def keep_sending(self, end):
        line = None
        while time.monotonic() < end or self.rate:
            if self.rate and await self.due.get() is None:
                break
            try:
                line = line or await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                self.unreachable += 1
                await asyncio.sleep(0.05)
                continue
            try:
                await self.ask(*line)
            except (OSError, asyncio.IncompleteReadError):
                self.broken += 1
                line[1].close()
                line = None
        if line:
            line[1].close()

    async def ask(self, reader, writer):
        self.sent += 1
        began = time.perf_counter()
        head = (
            f"POST /v1/photo HTTP/1.1\r\nHost: x\r\nX-Request-Id: {os.getpid()}-{self.sent}\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: {len(self.photo)}\r\n\r\n"
        )
        writer.write(head.encode() + self.photo)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        status = int(answer.split(b" ", 2)[1])
        told = json.loads(body)
        self.statuses[f"{status} {told.get('code', '')}".strip()] += 1
        if status == 200:
            self.times.append(1e3 * (time.perf_counter() - began))
            self.audits.append(told["audit_id"])
        elif status in STATED:
            assert b"retry-after:" in answer.lower()
            await asyncio.sleep(0)


def client_main(options):
    sender = Sender(options.client, options.seconds, options.rate)
    asyncio.run(sender.run(options.connections))
    times = np.array(sender.times or [float("nan")])
    json.dump(
        {
            "sent": sender.sent, "statuses": sender.statuses, "broken": sender.broken,
            "unreachable": sender.unreachable, "audits": sender.audits,
            "p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99)),
        },
        sys.stdout,
    )  # fmt: skip


def watch(service, client, seconds, kills=()):
    """Resident MiB each second while a client sends; ``kills`` are (second, what)."""
    sizes, began, left = [], time.monotonic(), sorted(kills)
    while client.poll() is None and time.monotonic() - began < seconds + 60:
        time.sleep(0.5)
        if left and time.monotonic() - began > left[0][0]:
            what = left.pop(0)[1]
            if what == "worker":
                children = service.tree()[1:]
                if children:
                    children[0].kill()
            else:
                service.process.kill()
                service.process.wait()
                service.start()
        sizes.append(service.resident_mib())
    return sizes


def audit_of(folder, audits):
    """Rows in the store; answered but missing; answered or stored twice."""
    database = sqlite3.connect(folder / "audit.db")
    stored = [row[0] for row in database.execute("SELECT audit_id FROM verdicts")]
    requests = [row[0] for row in database.execute("SELECT request_id FROM verdicts")]
    missing = set(audits) - set(stored)
    doubled = len(audits) - len(set(audits)) + len(requests) - len(set(requests))
    return len(stored), len(missing), doubled


def row(name, result, seconds):
    statuses = ", ".join(f"{count} x {name}" for name, count in sorted(result["statuses"].items()))
    rate = len(result["audits"]) / seconds
    print(
        f"| {name} | {seconds:g} | {result['sent']} | {statuses} | {result['broken']} | "
        f"{result['unreachable']} | {rate:.1f} | {result['p50']:.0f} | {result['p99']:.0f} |",
        flush=True,
    )
    return rate


def measure(options, folder):
    seconds, workers = options.seconds, options.workers
    bare = bare_rate(workers, min(seconds, 10))
    service = Service(folder, workers)
    finish(start_client(service.port, 2, 0, workers * 4))
    print("| phase | s | sent | answers | broken | unreachable | verdicts/s | p50 ms | p99 ms |")
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    full = finish(start_client(service.port, min(seconds, 10), 0, workers * 4))
    rate = row("as fast as it answers", full, min(seconds, 10))
    bare = (bare + bare_rate(workers, min(seconds, 10))) / 2
    client = start_client(service.port, seconds, 2 * rate, CONNECTIONS)
    sizes = watch(service, client, seconds)
    over = finish(client)
    row("twice the capacity", over, seconds)
    client = start_client(service.port, seconds, 2 * rate, CONNECTIONS)
    kills = [(seconds * share, what) for share, what in ((0.2, "worker"), (0.35, "worker"),
             (0.5, "service"), (0.8, "service"))]  # fmt: skip
    watch(service, client, seconds, kills)
    killed = finish(client)
    row("the same, two workers and twice the service killed", killed, seconds)
    service.stop()
    answered = full["audits"] + over["audits"] + killed["audits"]
    report(options, folder, (rate, bare), sizes, answered, over)


def report(options, folder, rates, sizes, answered, over):
    stored, missing, doubled = audit_of(folder, answered)
    quarter = max(len(sizes) // 4, 1)
    early, late = np.median(sizes[quarter : 2 * quarter]), np.median(sizes[-quarter - 2 : -2])
    whole, one, many = batch_share()
    rate, bare = rates
    print(f"\n- throughput: {rate:.1f} verdicts/s, bare runtime with as many processes "
          f"({options.workers}): {bare:.1f}, ratio {rate / bare:.2f}")  # fmt: skip
    print(f"- memory of service and workers under overload: {early:.0f} MiB in the second quarter, "
          f"{late:.0f} MiB in the last")  # fmt: skip
    print(f"- audit store: {stored} rows; of {len(answered)} answered verdicts {missing} are "
          f"missing, {doubled} doubled")  # fmt: skip
    print(f"- batching: a photo takes {whole:.1f} ms, of which the network {one:.2f} ms, and "
          f"{many:.2f} ms in a batch of 8: at most {(one - many) / whole:.0%} to gain")  # fmt: skip
    unstated = [name for name in over["statuses"] if name[:3] not in ("200", "429", "503")]
    held = missing == 0 and doubled == 0 and over["broken"] == 0 and not unstated
    outcome = "HELD" if held else "NOT HELD"
    print(f"\n{outcome}: nothing lost, nothing doubled, stated refusals only")
    sys.exit(0 if held else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each long phase")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        client_main(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


if __name__ == "__main__":
    main()
