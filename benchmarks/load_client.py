"""The client of service_load.py, a process of its own: keep-alive connections that send a photo.

python benchmarks/load_client.py PORT --seconds 10 --rate 0 --connections 8

Rate 0 sends as fast as answers come. Prints JSON: what was sent and what came back. It is written
for little processor time, because it runs on the cores that the service is measured on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from collections import Counter

import numpy as np

from bonafide.cli.demo import PHOTO

PATIENCE_S = 45.0
"""Beyond what a service may take for one upload; an answer that takes longer is a lost one."""

GRACE_S = 30.0
"""After the time is up, for what is still due."""

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
AUDIT = re.compile(rb'"audit_id":"([^"]+)"')
CODE = re.compile(rb'"code": ?"([^"]+)"')


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self):
        self.answer, self.buffer, self.transport = None, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if gap and len(body) >= int(LENGTH.search(head)[1]) and not self.answer.done():
            self.answer.set_result((head, body))

    def connection_lost(self, error):
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError())

    async def ask(self, request):
        self.buffer = b""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await asyncio.wait_for(self.answer, PATIENCE_S)


class Sender:
    """Sends, and counts."""

    def __init__(self, options):
        self.options, self.photo = options, PHOTO.read_bytes()
        self.statuses, self.times, self.audits = Counter(), [], []
        self.sent = self.broken = self.unreachable = self.lost = self.unsent = self.unwaited = 0
        self.due = asyncio.Queue()

    async def run(self):
        options = self.options
        end = time.monotonic() + options.seconds
        count = range(options.connections)
        tasks = [asyncio.create_task(self.keep_sending(end)) for _ in count]
        if options.rate:
            await self.pace(end)
        await asyncio.wait(tasks, timeout=options.seconds + GRACE_S + PATIENCE_S)
        self.unsent = sum(item is not None for item in self.due._queue)
        for task in tasks:
            task.cancel()

    async def pace(self, end):
        """Requests become due at a steady rate, whether or not anybody is free to send them."""
        start, number = time.monotonic(), 0
        while (now := time.monotonic()) < end:
            while number < (now - start) * self.options.rate:
                self.due.put_nowait(number)
                number += 1
            await asyncio.sleep(0.005)
        for _ in range(self.options.connections):
            self.due.put_nowait(None)

    async def keep_sending(self, end):
        line, loop, last = None, asyncio.get_running_loop(), end + GRACE_S
        while time.monotonic() < (last if self.options.rate else end):
            if self.options.rate and await self.due.get() is None:
                break
            if line is None or line.transport.is_closing():
                try:
                    line = (await loop.create_connection(Line, "127.0.0.1", self.options.port))[1]
                except OSError:
                    self.unreachable += 1
                    await asyncio.sleep(0.05)
                    continue
            line = await self.ask(line)
        if line:
            line.transport.close()

    async def ask(self, line):
        """Send one photo; the connection if it can be used again."""
        self.sent += 1
        began = time.perf_counter()
        head = (
            f"POST /v1/photo HTTP/1.1\r\nHost: x\r\nX-Request-Id: {os.getpid()}-{self.sent}\r\n"
            f"Content-Type: image/jpeg\r\nContent-Length: {len(self.photo)}\r\n\r\n"
        )
        try:
            answer, body = await line.ask(head.encode() + self.photo)
        except TimeoutError:
            self.lost += 1
        except OSError:
            self.broken += 1
        else:
            self.note(answer, body, 1e3 * (time.perf_counter() - began))
            return line
        line.transport.abort()
        return None

    def note(self, head, body, milliseconds):
        status = head.split(b" ", 2)[1].decode()
        code = CODE.search(body) if status != "200" else None
        self.statuses[f"{status} {code[1].decode()}" if code else status] += 1
        if status == "200":
            self.times.append(milliseconds)
            self.audits.append(AUDIT.search(body)[1].decode())
        elif status in ("429", "503"):
            self.unwaited += b"retry-after:" not in head.lower()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--connections", type=int, default=8)
    sender = Sender(parser.parse_args())
    began = time.process_time()
    asyncio.run(sender.run())
    processor_s = time.process_time() - began
    times = np.array(sender.times or [np.nan])
    result = {
        "sent": sender.sent, "statuses": sender.statuses, "broken": sender.broken,
        "lost": sender.lost, "unsent": sender.unsent, "unreachable": sender.unreachable,
        "refusals_without_retry_after": sender.unwaited, "audits": sender.audits,
        "p50_ms": float(np.percentile(times, 50)), "p99_ms": float(np.percentile(times, 99)),
        "processor_s": processor_s,
    }  # fmt: skip
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
