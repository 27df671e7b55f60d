"""Load the service beyond its capacity, kill parts of it, and compare it with the bare runtime.

python benchmarks/service_load.py --seconds 600 --rounds 5 --json service-load.json

Prints Markdown and writes the same as JSON. First, in interleaved rounds, verdicts a second and
processor time a verdict: bare processes, the service, and with --against another checkout's `src`
that one's service. Then, each for --seconds, twice the capacity from a second process, and the
same while two workers and twice the service are killed (kill -9). Traffic stays on this machine;
every loop ends.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from bonafide.capture.image import decode_image
from bonafide.cli.demo import PHOTO
from bonafide.deploy.detector import Detector
from bonafide.deploy.runtime import SHIPPED

CLIENT = Path(__file__).with_name("load_client.py")
CONNECTIONS = 96
ROUND_S = 10.0
KILLS = ((0.2, "worker"), (0.35, "worker"), (0.5, "service"), (0.8, "service"))
"""Share of the time, and what is killed then."""


def bare(workers, seconds):
    """Photos a second and processor ms a photo of as many bare processes, decoding included."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        counts = pool.map(_bare_loop, [seconds] * workers, chunksize=1)
    total = sum(count for count, _ in counts)
    return {"rate": total / seconds, "processor_ms": 1e3 * sum(s for _, s in counts) / total}


def _bare_loop(seconds):
    import cv2

    cv2.setNumThreads(1)
    detector, photo = Detector.load(), PHOTO.read_bytes()
    detector(decode_image(photo, "photo").rgb)
    end, count, began = time.monotonic() + seconds, 0, time.process_time()
    while time.monotonic() < end:
        detector(decode_image(photo, "photo").rgb)
        count += 1
    return count, time.process_time() - began


def batching():
    """What putting several requests' faces through the network at once could gain, by model."""
    photo, rows = PHOTO.read_bytes(), []
    for name in SHIPPED:
        detector = Detector.load(name)
        one = detector.examine(decode_image(photo, "photo").rgb).crops.crops[None]
        many = np.repeat(one, 8, axis=0)
        whole_ms = _best_ms(lambda d=detector: d(decode_image(photo, "photo").rgb))
        one_ms = _best_ms(lambda d=detector, x=one: d.scorer.score(x))
        of_8_ms = _best_ms(lambda d=detector, x=many: d.scorer.score(x)) / 8
        gain = (one_ms - of_8_ms) / whole_ms
        rows.append({"model": name, "photo_ms": whole_ms, "network_ms": one_ms,
                     "network_in_8_ms": of_8_ms, "to_gain": gain})  # fmt: skip
    return rows


def _best_ms(call, repeats=30):
    times = []
    for _ in range(repeats):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return 1e3 * min(times)


class Service:
    """`bonafide serve` as a process that is started again when it dies, as systemd would."""

    def __init__(self, folder, workers, source=None):
        self.folder, self.workers, self.port = folder, workers, free_port()
        self.environment = {**os.environ, **({"PYTHONPATH": str(source)} if source else {})}
        folder.mkdir(exist_ok=True)
        self.start()

    def start(self):
        command = [sys.executable, "-m", "bonafide", "serve", "--port", str(self.port)]
        command += ["--workers", str(self.workers), "--queue", "16", "--concurrent", "500"]
        command += ["--per-minute", "1000000", "--burst", "1000000", "--no-page"]
        command += ["--store", f"sqlite:///{self.folder}/audit.db", "--retain", "decision"]
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        end = time.monotonic() + 240
        while not self.ready():
            if time.monotonic() > end:
                raise RuntimeError("the service does not get ready")
            time.sleep(0.05)

    def ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                client.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return client.recv(100).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def tree(self):
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def total(self, figure):
        """A figure of each of its processes, added up; those that have just died count nothing."""
        total = 0.0
        for one in self.tree():
            try:
                total += figure(one)
            except psutil.Error:
                continue
        return total

    def processor_s(self):
        return self.total(lambda one: sum(one.cpu_times()[:2]))

    def resident_mib(self):
        return self.total(lambda one: one.memory_info().rss) / 2**20

    def kill(self, what):
        """kill -9, and a new start where the service itself died."""
        if what == "worker":
            for child in self.tree()[1:2]:
                child.kill()
            return
        self.process.kill()
        self.process.wait(30)
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def start_client(port, seconds, rate, connections):
    command = [sys.executable, str(CLIENT), str(port), "--seconds", str(seconds)]
    command += ["--rate", str(rate), "--connections", str(connections)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(client, seconds):
    return json.loads(client.communicate(timeout=seconds + 180)[0])


def full_speed(service, seconds):
    """Verdicts a second of a service that is asked as fast as it answers."""
    finish(start_client(service.port, 1, 0, service.workers * 4), 1)
    before = service.processor_s()
    result = finish(start_client(service.port, seconds, 0, service.workers * 4), seconds)
    count = len(result["audits"])
    return {
        "rate": count / seconds,
        "processor_ms": 1e3 * (service.processor_s() - before) / count,
        "client_processor_ms": 1e3 * result["processor_s"] / count,
        "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"], "audits": result["audits"],
    }  # fmt: skip


def compare(options, folder, service):
    """Rounds of bare processes and services in turn; audits of the service's answers besides."""
    other = Service(folder / "other", options.workers, options.against) if options.against else None
    rounds, audits = [], []
    for _ in range(options.rounds):
        row = {"bare": bare(options.workers, options.round_seconds)}
        if other:
            row["against"] = full_speed(other, options.round_seconds)
            del row["against"]["audits"]
        row["service"] = full_speed(service, options.round_seconds)
        audits += row["service"].pop("audits")
        rounds.append(row)
    if other:
        other.stop()
    return rounds, audits


def median(rounds, who, what):
    return float(np.median([row[who][what] for row in rounds]))


def overload(service, seconds, rate, kills=()):
    """A client at a rate while memory is watched and things are killed."""
    client = start_client(service.port, seconds, rate, CONNECTIONS)
    sizes, began, left = [], time.monotonic(), [(seconds * share, what) for share, what in kills]
    while client.poll() is None and time.monotonic() - began < seconds + 120:
        time.sleep(0.5)
        if left and time.monotonic() - began > left[0][0]:
            service.kill(left.pop(0)[1])
        sizes.append(service.resident_mib())
    result = finish(client, 0)
    quarter = max(len(sizes) // 4, 1)
    result["memory_mib"] = {
        "second_quarter": float(np.median(sizes[quarter : 2 * quarter])),
        "last_quarter": float(np.median(sizes[-quarter - 2 : -2] or sizes)),
        "most": float(max(sizes)),
    }
    return {"seconds": seconds, "asked_a_second": rate, **result}


def audit_of(folder, answered):
    """Rows in the store; answered but missing; answered or stored twice."""
    database = sqlite3.connect(folder / "audit.db")
    rows = list(database.execute("SELECT audit_id, request_id FROM verdicts"))
    stored, requests = {row[0] for row in rows}, {row[1] for row in rows}
    twice = len(answered) - len(set(answered)) + 2 * len(rows) - len(stored) - len(requests)
    return {"rows": len(rows), "answered": len(answered),
            "missing": len(set(answered) - stored), "doubled": twice}  # fmt: skip


def report(result):
    rounds = result["rounds"]
    print("| | verdicts/s | processor ms each | client's | of bare |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for who in rounds[0]:
        rates = [row[who]["rate"] / row["bare"]["rate"] for row in rounds]
        own = median(rounds, who, "processor_ms")
        client = 0.0 if who == "bare" else median(rounds, who, "client_processor_ms")
        print(f"| {who} | {median(rounds, who, 'rate'):.1f} | {own:.2f} | {client:.2f} | "
              f"{np.median(rates):.3f} ({min(rates):.3f} to {max(rates):.3f}) |")  # fmt: skip
    print("\n| phase | s | sent | answers | broken | lost | unreachable | verdicts/s | p50 ms | "
          "p99 ms |")  # fmt: skip
    print(f"| --- | ---: | ---: | --- |{' ---: |' * 6}")
    for name in ("overload", "killed"):
        row = result[name]
        told = ", ".join(f"{count} x {what}" for what, count in sorted(row["statuses"].items()))
        print(f"| {name} | {row['seconds']:g} | {row['sent']} | {told} | {row['broken']} | "
              f"{row['lost']} | {row['unreachable']} | {row['verdicts'] / row['seconds']:.1f} | "
              f"{row['p50_ms']:.0f} | {row['p99_ms']:.0f} |")  # fmt: skip
    print(f"\n- memory of service and workers under overload: {result['overload']['memory_mib']}")
    print(f"- audit store: {result['audit']}")
    for row in result["batching"]:
        print(f"- batching {row['model']}: a photo takes {row['photo_ms']:.1f} ms, of which the "
              f"network {row['network_ms']:.2f} ms, {row['network_in_8_ms']:.2f} ms in a batch of "
              f"8: {row['to_gain']:.1%} to gain")  # fmt: skip
    print(f"\n{'HELD' if result['held'] else 'NOT HELD'}: nothing lost, nothing doubled, stated "
          "refusals with Retry-After only")  # fmt: skip


def held(result):
    over, killed = result["overload"], result["killed"]
    stated = all(name[:3] in ("200", "429", "503") for name in over["statuses"])
    known = all(name[:3] in ("200", "429", "503") or name == "500 worker_lost"
                for name in killed["statuses"])  # fmt: skip
    answered = over["sent"] == sum(over["statuses"].values())
    told = not over["refusals_without_retry_after"]
    kept = result["audit"]["missing"] == result["audit"]["doubled"] == 0
    return stated and known and answered and told and kept and not killed["lost"]


def measure(options, folder):
    service = Service(folder / "one", options.workers)
    try:
        rounds, audits = compare(options, folder, service)
        rate = 2 * median(rounds, "service", "rate")
        phases = {
            "overload": overload(service, options.seconds, rate),
            "killed": overload(service, options.killed_seconds or options.seconds, rate, KILLS),
        }
    finally:
        service.stop()
    for phase in phases.values():
        answered = phase.pop("audits")
        phase["verdicts"] = len(answered)
        audits += answered
    result = {"cores": os.cpu_count(), "workers": options.workers, "rounds": rounds, **phases,
              "audit": audit_of(folder / "one", audits), "batching": batching()}  # fmt: skip
    return {**result, "held": held(result)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each long phase")
    parser.add_argument(
        "--killed-seconds", type=float, help="of the phase in which parts are killed"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison")
    parser.add_argument("--round-seconds", type=float, default=ROUND_S)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--against", type=Path, help="another checkout's src")
    parser.add_argument("--json", type=Path, help="write the result there, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    report(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    sys.exit(0 if result["held"] else 1)


if __name__ == "__main__":
    main()
