"""The platform's endpoints: parse, judge, store, answer. One call at a time, so copies of a key cannot race."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

from apps.gateways.simulator import faults as fault_plans
from apps.gateways.simulator import rules
from apps.gateways.simulator.rules import Message, Past, Template
from apps.gateways.simulator.store import MODES, Store, hide_numbers

QUERY_SIZE = 500
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


class Platform:
    """The simulated SMS platform: routes, rules, faults and memory."""

    def __init__(self, *, folder: Path, seed: int) -> None:
        self.store = Store(folder)
        self.faults = fault_plans.Faults(seed=seed)
        self._routes: dict[tuple[str, str], Callable[[dict, int], dict]] = {
            ("POST", "/sms/send"): self.send,
            ("POST", "/sms/query"): self.query,
            ("POST", "/sms/templates"): self.register,
            ("POST", "/sms/inbound"): self.receive,
            ("GET", "/sms/inbound"): self.inbound,
            ("GET", "/sms/messages"): self.messages,
            ("GET", "/sms/stats"): self.stats,
            ("GET", "/control/limits"): lambda _body, _now: dict(self.store.known.limits),
            ("POST", "/control/limits"): self.set_limits,
            ("POST", "/control/mode"): self.set_modes,
            ("POST", "/control/faults"): self.set_faults,
            ("POST", "/control/reset"): self.reset,
            ("GET", "/healthz"): lambda _body, _now: {"status": "ok"},
        }

    def answer(self, *, method: str, target: str, sim_now: str, body: bytes) -> Reply:
        path, _, query = target.partition("?")
        route = self._routes.get((method, path))
        if route is None:
            return _json(404, {"error": "no such endpoint"})
        roll = self.faults.roll(path)
        if roll.before == "p429":
            wait = self.faults.plan.retry_after
            headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
            return Reply(429, b'{"error":"too many requests"}', headers, delay=roll.delay)
        if roll.before:
            return Reply(503, b'{"error":"not available"}', delay=roll.delay)
        try:
            content = _parse(body) if method == "POST" else {k: v[0] for k, v in parse_qs(query).items()}
            answer = route(content, _moment(sim_now))
        except BadRequest as refusal:
            return _json(400, {"error": str(refusal)})
        return _spoil(answer, roll) if roll is not fault_plans.NOTHING else _json(200, answer)

    def send(self, content: dict, now: int) -> dict:
        """Judge each message in order; accepted ones are delivered at once. A key names one number and one text."""
        store, known = self.store, self.store.known
        messages = self._messages(content)
        keys = store.keys([m.key for m in messages])
        past = store.history((m.phone for m in messages), now=now)
        by_key, number = store.modes["keys"] == "on", store.next_number()
        results: list[dict] = []
        calls, deliveries, totals = [], [], Counter[str]()
        for m in messages:
            earlier = keys.get(m.key)
            if earlier and (earlier[0], earlier[1]) != (m.phone, m.content):
                totals["KEY_REUSED"] += 1
                results.append(_result(m.key, "KEY_REUSED", None, "this key named another number or text"))
                continue
            if earlier and earlier[2] == "OK" and by_key:
                totals["DUPLICATE"] += 1
                calls.append((m.key, m.phone, m.content, "OK", "", earlier[4], 0))
                results.append(_result(m.key, "OK", earlier[4], "") | {"duplicate": True})
                continue
            refused = rules.refusal(m, past=past[m.phone], known=known, now=now)
            if refused:
                code, detail = refused
                totals[code] += 1
                if code != "KEY_INVALID":
                    calls.append((m.key, m.phone, m.content, code, detail, None, 0))
                    keys.setdefault(m.key, (m.phone, m.content, code, detail, None))
                results.append(_result(m.key, code, None, detail))
                continue
            totals["OK"] += 1
            calls.append((m.key, m.phone, m.content, "OK", "", number, 1))
            text = hide_numbers(m.text)
            deliveries.append((number, m.key, m.phone, m.to[-4:], m.content, now, m.kind, m.template, text))
            keys[m.key] = (m.phone, m.content, "OK", "", number)
            past[m.phone].append(Past(now, m.template, m.content))
            results.append(_result(m.key, "OK", number, ""))
            number += 1
        store.record(calls=calls, deliveries=deliveries, totals=totals)
        return {"results": results}

    def _messages(self, content: dict) -> list[Message]:
        listed, size = content.get("messages"), self.store.known.limits["batch_size"]
        if not isinstance(listed, list) or not 1 <= len(listed) <= size:
            raise BadRequest(f"messages must be a list of 1 to {size}")
        fingerprint = self.store.fingerprint
        try:
            messages = [
                Message(
                    m["key"], m["to"], m["text"], m["kind"], m["template"], fingerprint(m["to"]), fingerprint(m["text"])
                )
                for m in listed
            ]
        except (KeyError, TypeError, AttributeError):
            raise BadRequest("each message needs key, to, text, kind and template, all of them text") from None
        if not all(
            isinstance(m.key, str) and isinstance(m.kind, str) and isinstance(m.template, str) for m in messages
        ):
            raise BadRequest("each message needs key, to, text, kind and template, all of them text")
        return messages

    def query(self, content: dict, _now: int) -> dict:
        """What the platform knows of each key; a key it never saw is absent."""
        if self.store.modes["query"] == "off":
            raise BadRequest("this platform has no query interface")
        names = content.get("keys")
        if not isinstance(names, list) or len(names) > QUERY_SIZE or not all(isinstance(n, str) for n in names):
            raise BadRequest(f"keys must be a list of at most {QUERY_SIZE} texts")
        return {
            "results": [
                _result(name, code, number, detail) | {"calls": calls, "deliveries": deliveries}
                for name, (_, _, code, detail, number, calls, deliveries) in self.store.keys(names).items()
            ]
        }

    def register(self, content: dict, _now: int) -> dict:
        """Approve signatures and templates; each template gets a result of its own."""
        signatures, listed = content.get("signatures", []), content.get("templates", [])
        if not isinstance(listed, list) or not all(isinstance(t, dict) for t in listed):
            raise BadRequest("templates must be a list of objects with name, kind and text")
        if not isinstance(signatures, list) or not all(isinstance(s, str) for s in signatures):
            raise BadRequest("signatures must be a list of texts")
        approved: list[Template] = []
        results: list[dict] = []
        unfit = [name for name in signatures if not 2 <= len(name) <= 12]
        for entry in listed:
            name = str(entry.get("name"))
            try:
                if unfit:
                    raise ValueError("a signature has 2 to 12 characters")
                approved.append(Template(name=name, kind=str(entry.get("kind")), text=str(entry.get("text"))))
                results.append({"key": name, "code": "OK", "biz_id": name, "detail": ""})
            except ValueError as wrong:
                results.append({"key": name, "code": "NOT_APPROVED", "biz_id": None, "detail": str(wrong)})
        self.store.register(signatures=[name for name in signatures if name not in unfit], templates=approved)
        return {"results": results}

    def receive(self, content: dict, now: int) -> dict:
        """A member answers by SMS. The reply carries the key of the last message to that number."""
        text = str(content.get("text", "")).strip()
        target = self.store.latest_to(tail=str(content.get("to_tail", "")), key=str(content.get("key", "")))
        if target is None:
            raise BadRequest("no message went to this key or tail")
        key, phone, tail = target
        opt_out = text.upper() in rules.OPT_OUT_REPLIES
        number = self.store.add_inbound(key=key, phone=phone, tail=tail, text=text, opt_out=opt_out, at=now)
        return {"number": number, "key": key, "opt_out": opt_out}

    def inbound(self, content: dict, _now: int) -> dict:
        rows = self.store.inbound(after=_whole(content, "after", 0), limit=_whole(content, "limit", 100))
        return {
            "replies": [
                {"number": n, "key": key, "tail": tail, "text": text, "opt_out": bool(opt_out), "at": _iso(at)}
                for n, key, tail, text, opt_out, at in rows
            ]
        }

    def messages(self, content: dict, _now: int) -> dict:
        """Deliveries as the phone shows them, after a running number: the oldest first, or with `newest=1` the newest."""
        rows = self.store.messages(
            after=_whole(content, "after", 0),
            limit=_whole(content, "limit", 100),
            tail=content.get("tail", ""),
            key=content.get("key", ""),
            newest=content.get("newest") == "1",
        )
        return {
            "messages": [
                {
                    "number": n,
                    "biz_id": _biz_id(n),
                    "key": key,
                    "to": f"*******{tail}",
                    "tail": tail,
                    "at": _iso(at),
                    "kind": kind,
                    "template": template,
                    "text": text,
                }
                for n, key, tail, at, kind, template, text in rows
            ]
        }

    def stats(self, _content: dict, _now: int) -> dict:
        keys, deliveries = self.store.count()
        twice = self.store.delivered_twice(limit=PAGE_SIZE)
        return {"keys": keys, "deliveries": deliveries, "codes": self.store.totals(), "delivered_twice": twice}

    def set_limits(self, content: dict, _now: int) -> dict:
        for name, value in content.items():
            if name not in rules.LIMITS or type(value) is not int or value < 0:
                raise BadRequest(f"limits are {', '.join(rules.LIMITS)}, whole numbers")
        self.store.set_limits(content)
        return dict(self.store.known.limits)

    def set_modes(self, content: dict, _now: int) -> dict:
        if not content.keys() <= MODES.keys() or not set(content.values()) <= {"on", "off"}:
            raise BadRequest("modes are keys and query, each on or off")
        self.store.set_modes(content)
        return dict(self.store.modes)

    def set_faults(self, content: dict, _now: int) -> dict:
        if not content.keys() <= fault_plans.NAMES:
            raise BadRequest(f"faults are {', '.join(sorted(fault_plans.NAMES))}")
        lists = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
        self.faults.set(fault_plans.Plan(**(content | lists)))
        return {"faults": content}

    def reset(self, _content: dict, _now: int) -> dict:
        self.store.forget()
        self.faults.set(fault_plans.Plan())
        return {}


def _parse(body: bytes) -> dict:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadRequest("the body must be a JSON object")
    return content


def _moment(sim_now: str) -> int:
    """Platform time in milliseconds: the caller's `X-Sim-Now`, else the real clock."""
    if not sim_now:
        return int(datetime.now(UTC).timestamp() * 1000)
    try:
        moment = datetime.fromisoformat(sim_now)
    except ValueError:
        raise BadRequest("X-Sim-Now must be ISO 8601") from None
    if moment.tzinfo is None:
        raise BadRequest("X-Sim-Now needs an offset")
    return int(moment.timestamp() * 1000)


def _whole(content: dict, name: str, default: int) -> int:
    try:
        value = int(content.get(name, default))
    except ValueError:
        raise BadRequest(f"{name} must be a whole number") from None
    return min(max(value, 0), PAGE_SIZE) if name == "limit" else value


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def _biz_id(number: int) -> str:
    return f"sim{number:012d}"


def _result(key: str, code: str, number: int | None, detail: str) -> dict:
    return {"key": key, "code": code, "biz_id": None if number is None else _biz_id(number), "detail": detail}


def _json(status: int, content: dict) -> Reply:
    return Reply(status, json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _spoil(answer: dict, roll: fault_plans.Roll) -> Reply:
    """The answer after its fault: the messages in it are already accepted and stored."""
    if roll.after == "wrong_code":
        answer = {"results": [r | {"code": "ISV.UNHEARD_OF"} for r in answer.get("results", [])]}
    reply = _json(200, answer)
    reply.delay = roll.delay
    reply.drop = roll.after == "drop_reply"
    if roll.after == "p5xx_after":
        reply.status, reply.body = 502, b"<html>bad gateway</html>"
    if roll.after == "malformed":
        reply.body = reply.body[: len(reply.body) // 2]
    return reply
