"""The engine beneath `Siyu`: one connection per call, ten at once, keys kept over tries, tokens renewed once for all."""

import http.client
import json
import random
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

MOST_AT_ONCE = 10
TRIES = 3
SECONDS = 15.0
T = TypeVar("T")
Transport = Callable[[urllib.request.Request], tuple[int, dict[str, str], bytes]]


@dataclass(frozen=True)
class Operation:
    """What the document says of one call."""

    method: str
    path: str  # below /api/v1
    query: tuple[str, ...] = ()
    takes_key: bool = False
    needs_member: bool = False


@dataclass(frozen=True)
class Answer(Generic[T]):
    """`etag` goes into `if_match` of the write that follows."""

    data: T
    status: int
    headers: dict[str, str]

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")

    @property
    def request_id(self) -> str:
        return self.headers.get("x-request-id", "")


class SiyuError(Exception):
    """A refusal (RFC 9457) with its stable `code`; with status 0 and code `network` an answer that never came."""

    def __init__(self, status: int, problem: dict[str, Any], headers: dict[str, str]) -> None:
        super().__init__(problem.get("title") or f"HTTP {status}")
        self.status = status
        self.code: str = problem.get("code") or (f"http_{status}" if status else "network")
        self.is_retryable: bool = problem.get("retryable", status == 0 or status >= 500)
        self.retry_after = int(headers.get("retry-after", "0") or 0)
        self.request_id: str = problem.get("request_id") or headers.get("x-request-id", "")
        self.errors: list[dict[str, str]] = problem.get("errors", [])
        self.problem = problem


@dataclass
class Engine:
    """`key` is a program's or a till's; `tokens` a member's pair, renewed by itself. May be shared by threads."""

    base: str
    key: str = ""
    tokens: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    on_tokens: Callable[[dict[str, Any] | None], None] = lambda pair: None
    transport: Transport | None = None
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/")
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._renewing = threading.Lock()

    def call(self, operation: Operation, given: dict[str, Any], body: Any = None, key: str = "") -> Answer[Any]:
        """Raises SiyuError. A write that may carry a key gets one here, and every try carries the same."""
        if operation.takes_key:
            key = key or f"py-{uuid.uuid4().hex}"
        has_renewed, tried = False, 1
        while True:
            access = (self.tokens or {}).get("access_token", "")
            try:
                answer = self._send(operation, given, body, key, access)
            except SiyuError as wrong:
                if wrong.code == "token_expired" and self.tokens and not has_renewed:
                    has_renewed = True
                    self._renew(access)
                    continue
                is_safe = operation.method != "POST" or operation.takes_key or wrong.status == 429
                if not (wrong.is_retryable and is_safe and tried < TRIES):
                    raise
                self.sleep(wrong.retry_after or 0.4 * 2 ** (tried - 1) * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
                tried += 1
            else:
                self._note(operation, answer)
                return answer

    def _renew(self, expired: str) -> None:
        """Whoever waited here for another's refresh finds the new token and asks for none."""
        with self._renewing:
            if not self.tokens or self.tokens["access_token"] != expired:
                return
            again = Operation("POST", "/auth/refresh", takes_key=True)  # the server answers a repeat with the same pair
            try:
                self.call(again, {}, {"refresh_token": self.tokens["refresh_token"]})
            except SiyuError as wrong:
                if wrong.status in {401, 403}:
                    self._set(None)
                raise

    def _note(self, operation: Operation, answer: Answer[Any]) -> None:
        if isinstance(answer.data, dict) and "refresh_token" in answer.data:
            self._set(answer.data)
        elif operation.path == "/auth/logout":
            self._set(None)

    def _set(self, pair: dict[str, Any] | None) -> None:
        self.tokens = pair
        self.on_tokens(pair)

    def _send(self, operation: Operation, given: dict[str, Any], body: Any, key: str, access: str) -> Answer[Any]:
        headers = {"Accept": "application/json", **self.headers}
        if bearer := "" if operation.path.startswith("/auth/") and not operation.needs_member else self.key or access:
            headers["Authorization"] = f"Bearer {bearer}"
        if key:
            headers["Idempotency-Key"] = key
        for name in ("if_match", "if_none_match", "prefer"):
            if given.get(name):
                headers[name.replace("_", "-")] = given[name]
        if isinstance(body, Upload):
            headers["Content-Type"], content = body.packed()
        elif body is None:
            content = None
        else:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the caller's own base
            self.base + _address(operation, given), data=content, headers=headers, method=operation.method
        )
        with self._places:
            status, found, text = (self.transport or _over_http)(request)
        data = _read(text, found)
        if status >= 400 or status == 0:
            raise SiyuError(status, data if isinstance(data, dict) else {}, found)
        return Answer(data, status, found)


@dataclass(frozen=True)
class Upload:
    """A picture for `files_post`."""

    content: bytes
    purpose: str = "avatar"

    def packed(self) -> tuple[str, bytes]:
        edge = uuid.uuid4().hex
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{self.purpose}\r\n'.encode(),
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="picture"\r\n\r\n'.encode(),
            self.content,
            f"\r\n--{edge}--\r\n".encode(),
        ]
        return f"multipart/form-data; boundary={edge}", b"".join(parts)


def _address(operation: Operation, given: dict[str, Any]) -> str:
    if missing := [name for name in re.findall(r"\{(\w+)\}", operation.path) if not given.get(name)]:
        raise TypeError(f"{operation.method} {operation.path} needs {', '.join(missing)}")
    path = re.sub(r"\{(\w+)\}", lambda part: urllib.parse.quote(str(given[part[1]]), safe=""), operation.path)
    query = [(name, given[name]) for name in operation.query if given.get(name) is not None]
    return f"/api/v1{path}" + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")


def _read(text: bytes, headers: dict[str, str]) -> Any:
    if not text:
        return None
    return json.loads(text) if "json" in headers.get("content-type", "").partition(";")[0] else text


def _over_http(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - the caller's own base
            return answer.status, _lower(answer.headers), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, _lower(refused.headers), refused.read()
    except (OSError, http.client.HTTPException) as lost:
        return 0, {"content-type": "application/json"}, json.dumps({"title": str(lost)}).encode()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
