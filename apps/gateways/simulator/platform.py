"""The platform's endpoints: parse, judge, store, answer. One call at a time, so copies of a key cannot race."""

import base64
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

from apps.gateways.simulator import faults as fault_plans
from apps.gateways.simulator import rules
from apps.gateways.simulator.replies import PAGE_SIZE, BadRequest, Reply, as_json, iso, moment, parse, spoil, whole
from apps.gateways.simulator.rules import Message, Past, Template
from apps.gateways.simulator.smtp import Mailboxes, report
from apps.gateways.simulator.store import MODES, Store, hide_numbers
from apps.gateways.simulator.vendors import PREFIX, Vendors
from apps.gateways.simulator.wechat import PREFIXES, Wechat
from apps.gateways.simulator.wecom import PREFIXES as WECOM_PREFIXES
from apps.gateways.simulator.wecom import Wecom

QUERY_SIZE = 500


class Platform:
    """The simulated SMS platform: routes, rules, faults and memory; WeChat's and WeCom's endpoints beside it."""

    def __init__(self, *, folder: Path, seed: int) -> None:
        self.store = Store(folder)
        self.wechat = Wechat(folder)
        self.wecom = Wecom(folder)
        self.mailboxes = Mailboxes()
        self.smtp_port = 0  # set by whoever serves it
        self.vendors = Vendors(folder, deliver=self.deliver, known=lambda: self.store.known)
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
            ("GET", "/mail/messages"): lambda _body, _now: {"port": self.smtp_port, "messages": self.mailboxes.mails},
            ("GET", "/mail/report"): self.mail_report,
            ("GET", "/healthz"): lambda _body, _now: {"status": "ok"},
        }

    def answer(self, *, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        path, _, query = target.partition("?")
        if path == "/" or path.startswith(PREFIX):
            return self._vendor_reply(method, target, headers, body)
        sim_now = headers.get("x-sim-now", "")
        house = self.wecom if path.startswith(WECOM_PREFIXES) else self.wechat if path.startswith(PREFIXES) else None
        if house is None and (method, path) not in self._routes:
            return as_json(404, {"error": "no such endpoint"})
        roll = self.faults.roll(path)
        if roll.before:
            return self._fault(roll)
        try:
            now = moment(sim_now)
            if house is not None:
                reply = house.answer(method=method, path=path, query=query, body=body, now=now)
            else:
                content = parse(body) if method == "POST" else {k: v[0] for k, v in parse_qs(query).items()}
                reply = as_json(200, self._routes[method, path](content, now))
        except BadRequest as refusal:
            return as_json(400, {"error": str(refusal)})
        return spoil(reply, roll) if roll is not fault_plans.NOTHING else reply

    def _vendor_reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """Aliyun and Tencent, who are told apart by their headers; `faults` calls their sends `/`."""
        is_send = "SendSms" in {headers.get("x-acs-action"), headers.get("x-tc-action")}
        roll = self.faults.roll("/") if is_send else fault_plans.NOTHING
        if roll.before:
            return self._fault(roll)
        try:
            now = moment(headers.get("x-sim-now", ""))
            reply = self.vendors.answer(method=method, target=target, headers=headers, body=body, now=now)
        except BadRequest as refusal:
            return as_json(400, {"error": str(refusal)})
        return spoil(reply, roll) if roll is not fault_plans.NOTHING else reply

    def _fault(self, roll: fault_plans.Roll) -> Reply:
        """The answer of a platform that has not looked at the request."""
        if roll.before == "busy":
            return Reply(200, b'{"errcode":-1,"errmsg":"system error"}', delay=roll.delay)
        if roll.before == "p429":
            wait = self.faults.plan.retry_after
            headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
            return Reply(429, b'{"error":"too many requests"}', headers, delay=roll.delay)
        return Reply(503, b'{"error":"not available"}', delay=roll.delay)

    def deliver(self, message: dict, now: int) -> dict:
        """One message of a vendor that honours no keys: every call that is accepted is a delivery."""
        return self.send({"messages": [message]}, now, by_key=False)["results"][0]

    def send(self, content: dict, now: int, by_key: bool = True) -> dict:
        """Judge each message in order; accepted ones are delivered at once. A key names one number and one text."""
        store, known = self.store, self.store.known
        messages = self._messages(content)
        keys = store.keys([m.key for m in messages])
        past = store.history((m.phone for m in messages), now=now)
        by_key, number = by_key and store.modes["keys"] == "on", store.next_number()
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
        """A member answers by SMS. The reply carries the key of the last message to that number; a vendor's names the number."""
        text = str(content.get("text", "")).strip()
        target = self.store.latest_to(tail=str(content.get("to_tail", "")), key=str(content.get("key", "")))
        if target is None:
            raise BadRequest("no message went to this key or tail")
        key, phone, tail = target
        opt_out = text.upper() in rules.OPT_OUT_REPLIES
        number = self.store.add_inbound(key=key, phone=phone, tail=tail, text=text, opt_out=opt_out, at=now)
        self.vendors.hear(key=key, text=text, now=now)
        return {"number": number, "key": key, "opt_out": opt_out}

    def inbound(self, content: dict, _now: int) -> dict:
        rows = self.store.inbound(after=whole(content, "after", 0), limit=whole(content, "limit", 100))
        return {
            "replies": [
                {"number": n, "key": key, "tail": tail, "text": text, "opt_out": bool(opt_out), "at": iso(at)}
                for n, key, tail, text, opt_out, at in rows
            ]
        }

    def messages(self, content: dict, _now: int) -> dict:
        """Deliveries as the phone shows them, after a running number: the oldest first, or with `newest=1` the newest."""
        rows = self.store.messages(
            after=whole(content, "after", 0),
            limit=whole(content, "limit", 100),
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
                    "at": iso(at),
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

    def mail_report(self, content: dict, _now: int) -> dict:
        """The raw report about the newest mail to an address, as base64."""
        found = [m for m in self.mailboxes.mails if m["to"] == content.get("to")]
        if not found:
            raise BadRequest("no mail went there")
        return {"raw": base64.b64encode(report(found[-1])).decode()}

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
        self.wechat.store.forget()
        self.wecom.store.forget()
        self.vendors.forget()
        self.faults.set(fault_plans.Plan())
        return {}


def _biz_id(number: int) -> str:
    return f"sim{number:012d}"


def _result(key: str, code: str, number: int | None, detail: str) -> dict:
    return {"key": key, "code": code, "biz_id": None if number is None else _biz_id(number), "detail": detail}
