"""Clients that dawdle are let go; raw sockets, because no HTTP library behaves so badly."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.service.conftest import running

HEAD = b"POST /v1/photo HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"


@pytest.fixture(scope="module")
def impatient(make_settings):
    settings = make_settings(header_s=0.6, upload_s=0.6, connections=8)
    with running(settings) as one:
        yield one


def connect(service):
    parts = urlsplit(service.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def rest(client):
    """Everything until the other side closes, and how long that took."""
    began, got = time.monotonic(), b""
    try:
        while piece := client.recv(65536):
            got += piece
    except ConnectionError:
        pass
    return got, time.monotonic() - began


def drip(client, piece, pause_s):
    """Send a little now and then for five seconds."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        client.sendall(piece)
        time.sleep(pause_s)


@pytest.mark.parametrize("start", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_head_that_never_ends(impatient, start):
    with connect(impatient) as client:
        client.sendall(start)
        got, seconds = rest(client)
    assert got == b""
    assert 0.3 < seconds < 3


def test_a_head_that_drips(impatient):
    with connect(impatient) as client:
        began = time.monotonic()
        client.sendall(b"GET /health HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            drip(client, b"X-Header: y\r\n", 0.05)
        assert time.monotonic() - began < 3


def test_an_upload_that_drips(impatient):
    with connect(impatient) as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n\xff\xd8\xff")
        answer = b""
        while b"upload_too_slow" not in answer:  # head and body may come in one piece or two
            piece = client.recv(65536)
            assert piece, answer
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408")
    impatient.until(lambda: impatient.pool.inside == 0)


def test_a_refused_upload_that_goes_on_and_on(impatient):
    with connect(impatient) as client:
        client.sendall(HEAD + b"Content-Length: 99999999999\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413")
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            drip(client, bytes(1000), 0.02)
        assert time.monotonic() - began < 3


def test_a_body_that_never_comes_to_a_small_address(impatient):
    with connect(impatient) as client:
        client.sendall(
            b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 30\r\n\r\n{"
        )
        answer = client.recv(65536)
    assert b"408" in answer.split(b"\r\n", 1)[0]


def test_an_upload_that_breaks_off_frees_its_place(impatient):
    with connect(impatient) as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n\xff\xd8\xff")
        impatient.until(lambda: impatient.pool.inside == 1)
    impatient.until(lambda: impatient.pool.inside == 0)


def test_more_connections_than_allowed_are_closed(impatient):
    clients = [connect(impatient) for _ in range(12)]
    got = 0
    for client in clients:
        try:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got += rest(client)[0].startswith(b"HTTP/1.1 200")
        except ConnectionError:
            pass
        client.close()
    assert 1 <= got <= 8
    assert impatient.http.get("/health").status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n Set-Cookie: b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x00b\r\n\r\n",
        b"GET /he\x00alth HTTP/1.1\r\nHost: x\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_heads_that_smuggle_or_inject_are_refused(impatient, head):
    with connect(impatient) as client:
        client.sendall(head)
        answer = client.recv(65536)
    assert 400 <= int(answer.split(b" ", 2)[1]) < 600
    assert int(answer.split(b" ", 2)[1]) != 500
    assert b"set-cookie" not in answer.lower()


def test_a_bare_line_feed_ends_a_header_and_starts_none_of_ours(impatient):
    """RFC 9112, 2.2 lets a server take it for a line's end; nothing of it may come back."""
    with connect(impatient) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nSet-Cookie: b\r\n\r\n")
        answer = client.recv(65536).lower()
    assert b"set-cookie" not in answer
