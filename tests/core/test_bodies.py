"""An answer given before the request was read leaves the connection usable, or says that it ends."""

import io
import socket
import time
from pathlib import Path

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from apps.core import bodies
from tests.processes import Web


def answer(body: bytes, *, reads: int = 0, **environ: str) -> tuple[int, list[tuple[str, str]]]:
    """Bytes read when the answer began, and its headers, for an application that reads so much of the body by itself."""
    sent, begun = io.BytesIO(body), []

    def application(given, start_response):
        given["wsgi.input"].read(reads)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b""]

    def start_response(_status, headers):
        begun.append((sent.tell(), headers[1:]))

    environ = {"CONTENT_LENGTH": str(len(body))} | environ
    bodies.heard_out(application)({"wsgi.input": sent, **environ}, start_response)
    return begun[0]


CLOSE = [("Connection", "close")]


@pytest.mark.parametrize("reads", [0, 7, 20])
def test_a_short_body_is_read_to_its_end_before_the_answer(reads: int):
    assert answer(b"x" * 20, reads=reads) == (20, [])


def test_up_to_64_kb_that_are_left_are_read_more_are_not_and_the_connection_ends():
    assert answer(b"x" * 65_536) == (65_536, [])
    assert answer(b"x" * 65_537) == (0, CLOSE)
    assert answer(b"x" * 100_000, reads=40_000) == (100_000, [])
    assert answer(b"x" * 200_000, reads=100) == (100, CLOSE)


def test_a_call_without_a_body_and_one_of_unknown_length():
    assert answer(b"", CONTENT_LENGTH="") == (0, [])
    assert answer(b"x" * 20, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked") == (0, CLOSE)


def test_who_leaves_in_the_middle_is_not_waited_for():
    assert answer(b"x" * 20, CONTENT_LENGTH="30") == (20, CLOSE)


def served(answer):
    environ = {"wsgi.input": io.BytesIO(b""), "CONTENT_LENGTH": ""}
    return bodies.heard_out(lambda _environ, _start: answer)(environ, lambda *_: None)


def test_a_whole_answer_goes_out_as_one_list_and_is_over_a_stream_is_left_to_the_server():
    whole, stream = HttpResponse(b"abc"), StreamingHttpResponse([b"a", b"b"])
    assert served(whole) == [b"abc"]
    assert whole.closed
    assert served(stream) is stream
    assert not stream.closed


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_outlives_a_refusal_on_the_real_server(tmp_path: Path):
    """The body comes after the head, as it may on any network: unread it cost the next call its connection."""
    post = b"POST /api/v1/auth/nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with (
        Web(log=tmp_path / "web.log") as web,
        socket.create_connection(("127.0.0.1", int(web.url.rpartition(":")[2])), timeout=20) as kept,
    ):
        for _ in range(5):
            kept.sendall(post % 20)
            time.sleep(0.1)  # by now the server knows that there is no such address
            kept.sendall(b"x" * 20)
            assert head(kept).startswith(b"HTTP/1.1 404 ")
        kept.sendall(post % 900_000)
        assert b"\r\nconnection: close\r\n" in head(kept)


def head(connection: socket.socket) -> bytes:
    """The next answer's head; its body is read away."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65_536)
        assert piece, f"the connection ended after {got!r}"
        got += piece
    first, _, body = got.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in first.splitlines() if line.startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65_536)
    return first + b"\r\n"
