"""A strict receiver of Standard Webhooks 1.0.0, written after its text alone: nothing of ours is imported here."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Taken:
    """A call whose form and signature are right."""

    id: str
    timestamp: int
    signatures: int
    told: dict[str, Any]
    path: str


class Receiver:
    """Answers 401 to whatever is not signed by one of `secrets`; else what `answer` says: (status, headers, body), or a wait."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.taken: list[Taken] = []
        self.refused: list[str] = []
        self.answer: Callable[[Taken], tuple[int, dict[str, str], bytes]] = lambda taken: (204, {}, b"")
        self.now: Callable[[], float] = time.time
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taken = receiver._verified(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                status, headers, answer = receiver.answer(taken) if taken else (401, {}, b"bad signature")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        return Handler

    def _verified(self, path: str, headers: dict[str, str], body: bytes) -> Taken | None:
        wrong = self._wrong(headers, body)
        if wrong:
            self.refused.append(wrong)
            return None
        stamps = headers["webhook-signature"].split(" ")
        taken = Taken(headers["webhook-id"], int(headers["webhook-timestamp"]), len(stamps), json.loads(body), path)
        self.taken.append(taken)
        return taken

    def _wrong(self, headers: dict[str, str], body: bytes) -> str:
        if headers.get("content-type") != "application/json" or len(body) > 20_000:
            return "form"
        stamp = headers.get("webhook-timestamp", "")
        if not re.fullmatch(r"\d{10}", stamp) or abs(self.now() - int(stamp)) > 300:
            return "timestamp"
        one = headers.get("webhook-id", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", one):
            return "id"
        parts = [entry.split(",", 1) for entry in headers.get("webhook-signature", "").split(" ")]
        signed = b".".join([one.encode(), stamp.encode(), body])
        for secret in self.secrets:
            assert secret.startswith("whsec_")
            key = base64.b64decode(secret[6:], validate=True)
            assert 24 <= len(key) <= 64
            right = base64.b64encode(_hmac_sha256(key, signed)).decode()
            if any(part == ["v1", right] for part in parts):
                return ""
        return "signature"


def _hmac_sha256(key: bytes, text: bytes) -> bytes:
    """RFC 2104 by hand: keys here are shorter than a block."""
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + text).digest()
    made = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()
    assert made == hmac.new(key, text, hashlib.sha256).digest()
    return made
