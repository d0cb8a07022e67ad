"""Programs that grant points over kept connections: a process of its own, so that asking costs the server no turn.

Reads one JSON object from standard input (see `bench_earn`), answers with one: how many were granted, the waits in seconds, and what
was answered otherwise.
"""

import json
import random
import selectors
import socket
import sys
import time
from typing import Any

_GRANTED = b'"is_new":true}'


class Line:
    """One connection: a call is sent, its answer awaited, then the next."""

    def __init__(self, number: int, given: dict[str, Any]) -> None:
        self.given, self.number, self.calls = given, number, 0
        self.chance = random.Random(f"{given['turn']}:{number}")  # noqa: S311 - made-up grants
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(given["addresses"][number % len(given["addresses"])])
        self.buffer, self.began = b"", 0.0

    def send(self) -> None:
        given, self.calls = self.given, self.calls + 1
        reference = f"{given['turn']}.{self.number}.{self.calls}"
        body = f'{{"amount":10,"reference":"{reference}"}}'
        text = (
            f"POST /api/v1/members/{self.chance.choice(given['members'])}/points/earn HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self.chance.choice(given['keys'])}\r\nIdempotency-Key: {reference}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self.began = time.perf_counter()
        self.socket.sendall(text)

    def answer(self) -> bytes | None:
        """The status line and the body once they are whole."""
        piece = self.socket.recv(65536)
        if not self.buffer and piece.startswith(b"HTTP/1.1 200 ") and piece.endswith(_GRANTED):  # nearly all of them
            return piece
        if not piece:
            raise ConnectionError("the server hung up")
        self.buffer += piece
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self.buffer = b""
        return head.partition(b"\r\n")[0] + b" " + body


def call(given: dict[str, Any]) -> dict[str, Any]:
    """`connections` lines at once for `seconds`; what is under way at the end is waited for."""
    waits, others = list[float](), dict[str, int]()
    with selectors.DefaultSelector() as selector:
        for number in range(given["connections"]):
            line = Line(number, given)
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send()
        end, open_lines = time.perf_counter() + given["seconds"], given["connections"]
        while open_lines:
            for key, _ in selector.select(timeout=30):
                line = key.data
                said = line.answer()
                if said is None:
                    continue
                if b" 200 " in said[:16] and said.endswith(_GRANTED):
                    waits.append(time.perf_counter() - line.began)
                else:
                    text = said[:300].decode(errors="replace")
                    others[text] = others.get(text, 0) + 1
                if time.perf_counter() < end:
                    line.send()
                else:
                    selector.unregister(line.socket)
                    open_lines -= 1
    return {"waits": waits, "others": others}


if __name__ == "__main__":
    json.dump(call(json.load(sys.stdin)), sys.stdout)
