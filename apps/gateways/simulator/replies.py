"""What the simulated platforms share: reading a request, writing an answer, spoiling it on demand."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from apps.gateways.simulator.faults import Roll

PAGE_SIZE = 1000


class BadRequest(Exception):
    """The body or a parameter is not what the endpoint takes; nothing was stored."""


@dataclass(slots=True)
class Reply:
    """An HTTP answer. `drop` closes the connection without one; `delay` is in seconds."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    delay: float = 0.0
    content_type: str = "application/json; charset=utf-8"


def parse(body: bytes) -> dict:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadRequest("the body must be a JSON object")
    return content


def moment(sim_now: str) -> int:
    """Platform time in milliseconds: the caller's `X-Sim-Now`, else the real clock."""
    if not sim_now:
        return int(datetime.now(UTC).timestamp() * 1000)
    try:
        given = datetime.fromisoformat(sim_now)
    except ValueError:
        raise BadRequest("X-Sim-Now must be ISO 8601") from None
    if given.tzinfo is None:
        raise BadRequest("X-Sim-Now needs an offset")
    return int(given.timestamp() * 1000)


def whole(content: dict, name: str, default: int) -> int:
    try:
        value = int(content.get(name, default))
    except ValueError:
        raise BadRequest(f"{name} must be a whole number") from None
    return min(max(value, 0), PAGE_SIZE) if name == "limit" else value


def iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def as_json(status: int, content: dict) -> Reply:
    return Reply(status, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def spoil(reply: Reply, roll: Roll) -> Reply:
    """The answer after its fault: what it tells of has already happened and is stored."""
    if roll.after == "wrong_code":
        content = json.loads(reply.body)
        if "results" in content:
            content["results"] = [r | {"code": "ISV.UNHEARD_OF"} for r in content["results"]]
        else:
            content = {"errcode": 99999, "errmsg": "unheard of"}
        reply.body = as_json(200, content).body
    reply.delay = roll.delay
    reply.drop = roll.after == "drop_reply"
    if roll.after == "p5xx_after":
        reply.status, reply.body = 502, b"<html>bad gateway</html>"
    if roll.after == "malformed":
        reply.body = reply.body[: len(reply.body) // 2]
    return reply
