"""Aliyun's and Tencent's SMS endpoints in front of the one platform: signature, registry, values; then `rules` judges.

They honour no keys: OutId and SessionContext only come back in receipts and details. Numbers are kept as hashes; those that a
callback must name stay in memory.
"""

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.gateways.simulator import vendor_rules as rules
from apps.gateways.simulator.replies import BadRequest, Reply, as_json, parse
from apps.gateways.simulator.rules import Registered, Template
from apps.gateways.simulator.vendor_rules import Wrong

PREFIX = "/vendors/"
KINDS = {"0": "otp", "1": "notice", "2": "promo"}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS templates (number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS reports (number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, key TEXT NOT NULL,
    phone TEXT NOT NULL, biz TEXT NOT NULL, template TEXT NOT NULL, at INTEGER NOT NULL, failure TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replies (number INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT NOT NULL, phone TEXT NOT NULL,
    text TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_VARIABLE = {"aliyun": re.compile(r"\$\{([^{}]+)\}"), "tencent": re.compile(r"\{(\d+)\}")}


class Vendors:
    """One call at a time; every call commits before its answer goes out."""

    def __init__(self, folder: Path, *, deliver: Callable[[dict, int], dict], known: Callable[[], Registered]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._db = sqlite3.connect(folder / "vendors.sqlite3", isolation_level=None, timeout=2)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._deliver, self._known = deliver, known
        self._numbers: dict[str, str] = {}  # hash → number
        self._aliyun = {
            "SendSms": self._aliyun_send,
            "QuerySendDetails": self._aliyun_details,
            "AddSmsTemplate": self._aliyun_add,
            "QuerySmsTemplate": self._aliyun_review,
        }
        self._tencent = {
            "SendSms": self._tencent_send,
            "PullSmsSendStatusByPhoneNumber": self._tencent_status,
            "AddSmsTemplate": self._tencent_add,
            "DescribeSmsTemplateList": self._tencent_review,
        }

    def close(self) -> None:
        self._db.close()

    def forget(self) -> None:
        for table in ("nonces", "reports", "replies", "settings"):
            self._db.execute(f"DELETE FROM {table}")

    def answer(self, *, method: str, target: str, headers: dict[str, str], body: bytes, now: int) -> Reply:
        path, _, query = target.partition("?")
        if path.startswith(PREFIX):
            return as_json(200, self._control(method, path.removeprefix(PREFIX), body, query))
        if "x-acs-action" in headers:
            return self._aliyun_reply(method, query, headers, body, now)
        if "x-tc-action" in headers:
            return self._tencent_reply(method, headers, body, now)
        return as_json(404, {"error": "no such endpoint"})

    def _aliyun_reply(self, method: str, query: str, headers: dict[str, str], body: bytes, now: int) -> Reply:
        request = {"RequestId": secrets.token_hex(16).upper()}
        try:
            signed = rules.check_aliyun(method=method, query=query, headers=headers, body=body, now=now)
            if headers["x-acs-version"] != "2017-05-25":
                raise Wrong("InvalidVersion")
            if self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?)", (signed.nonce,)).rowcount != 1:
                raise Wrong("SignatureNonceUsed")
            act = self._aliyun.get(headers["x-acs-action"])
            if act is None:
                raise Wrong("InvalidAction.NotFound", status=404)
            self._account("aliyun", "isv.AMOUNT_NOT_ENOUGH")
            return as_json(200, request | {"Code": "OK", "Message": "OK"} | act(rules.parameters(query), now))
        except Wrong as wrong:
            status = 200 if wrong.code.startswith("isv.") else wrong.status
            return as_json(status, request | {"Code": wrong.code, "Message": wrong.words})

    def _tencent_reply(self, method: str, headers: dict[str, str], body: bytes, now: int) -> Reply:
        try:
            rules.check_tencent(method=method, headers=headers, body=body, now=now)
            act = self._tencent.get(headers["x-tc-action"])
            if act is None or headers.get("x-tc-version") != "2021-01-11":
                raise Wrong("InvalidAction")
            content = act(parse(body), now)
        except Wrong as wrong:
            content = {"Error": {"Code": wrong.code, "Message": wrong.words}}
        return as_json(200, {"Response": content | {"RequestId": secrets.token_hex(16)}})

    def _account(self, vendor: str, code: str) -> None:
        if self._setting(f"{vendor}_broke"):
            raise Wrong(code)

    def _aliyun_send(self, query: dict, now: int) -> dict:
        key, to = query.get("OutId", ""), query.get("PhoneNumbers", "")
        values = _object(query.get("TemplateParam", "{}"))
        template, text = self._text("aliyun", query.get("TemplateCode", ""), values, sign=query.get("SignName", ""))
        judged = self._judged("aliyun", key=key, to=f"+86{to}", template=template, text=text, now=now)
        code, words = rules.ALIYUN_CODES.get(judged, ("isp.SYSTEM_ERROR", judged))
        if code != "OK":
            raise Wrong(code, words)
        biz = f"{secrets.randbelow(10**15):015d}^0"
        self._report("aliyun", key, to, biz, template.name, now, rules.ALIYUN_RECEIPTS.get(judged, ""))
        return {"BizId": biz}

    def _tencent_send(self, content: dict, now: int) -> dict:
        numbers, values = content.get("PhoneNumberSet"), content.get("TemplateParamSet", [])
        if str(content.get("SmsSdkAppId")) != rules.TENCENT_APP:
            raise Wrong("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= 200 or not isinstance(values, list):
            raise Wrong("InvalidParameterValue.ContentLengthLimit")
        self._account("tencent", "FailedOperation.InsufficientBalanceInSmsPackage")
        key, statuses = str(content.get("SessionContext", "")), []
        for to in numbers:
            try:
                given = {str(place): str(value) for place, value in enumerate(values, start=1)}
                template, text = self._text(
                    "tencent", str(content.get("TemplateId")), given, sign=content.get("SignName", "")
                )
                judged = self._judged("tencent", key=key, to=str(to), template=template, text=text, now=now)
                code, words = rules.TENCENT_CODES.get(judged, ("InternalError.OtherError", judged))
            except Wrong as wrong:
                code, words, text, template = wrong.code, wrong.words, "", None
            serial = f"{secrets.randbelow(10**12)}:{now}" if code == "Ok" else ""
            if serial and template:
                self._report("tencent", key, str(to), serial, template.name, now, "")
            fee = -(-len(text) // 67) if len(text) > 70 else 1
            statuses.append(
                {"SerialNo": serial, "PhoneNumber": to, "Fee": fee if serial else 0, "SessionContext": key,
                 "Code": code, "Message": words, "IsoCode": "CN"}
            )  # fmt: skip
        return {"SendStatusSet": statuses}

    def _text(self, vendor: str, code: str, values: dict[str, str], *, sign: str) -> tuple[Template, str]:
        """The template and its text as the phone shows it. Raises Wrong as the vendor says it."""
        words = rules.ALIYUN_CODES if vendor == "aliyun" else rules.TENCENT_CODES
        row = self._db.execute(
            "SELECT kind, text FROM templates WHERE vendor = ? AND number = ? AND state = 'approved'",
            (vendor, _number(code)),
        ).fetchone()
        if row is None:
            raise Wrong(*words["TEMPLATE_UNAPPROVED"])
        names = set(_VARIABLE[vendor].findall(row[1]))
        if vendor == "aliyun" and names - values.keys():
            raise Wrong("isv.TEMPLATE_MISSING_PARAMETERS", "a value is missing")
        if vendor == "tencent" and names != values.keys():
            raise Wrong(*words["TEMPLATE_MISMATCH"])
        if any(len(value) > rules.VARIABLE_LENGTH for value in values.values()):
            raise Wrong(*words["CONTENT_TOO_LONG"])
        filled = _VARIABLE[vendor].sub(lambda found: values[found[1]], row[1])
        return Template(name=f"{vendor}:{code}", kind=row[0], text=row[1]), f"【{sign}】{filled}"

    def _judged(self, vendor: str, *, key: str, to: str, template: Template, text: str, now: int) -> str:
        """What the platform's rules say of it."""
        known = self._known()
        known.templates.setdefault(template.name, template)
        kinds = {"promo": "marketing", "notice": "transactional", "otp": "transactional"}
        named = key or f"{vendor}:{secrets.token_hex(8)}"
        message = {"key": named, "to": to, "text": text, "kind": kinds[template.kind], "template": template.name}
        return str(self._deliver(message, now)["code"])

    def _report(self, vendor: str, key: str, to: str, biz: str, template: str, now: int, failure: str) -> None:
        hashed = _hash(to)
        self._numbers[hashed] = _bare(to)
        self._db.execute(
            "INSERT INTO reports (vendor, key, phone, biz, template, at, failure) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (vendor, key, hashed, biz, template, now, failure),
        )

    def hear(self, *, key: str, text: str, now: int) -> None:
        """A reply to a message that a vendor delivered: it will call back with it."""
        row = self._db.execute("SELECT vendor, phone FROM reports WHERE key = ? LIMIT 1", (key,)).fetchone()
        if row is not None:
            self._db.execute(
                "INSERT INTO replies (vendor, phone, text, at) VALUES (?, ?, ?, ?)", (row[0], row[1], text, now)
            )

    def _aliyun_details(self, query: dict, _now: int) -> dict:
        size, page = int(query.get("PageSize", "0")), int(query.get("CurrentPage", "0"))
        if not 1 <= size <= 50 or page < 1:
            raise Wrong("isv.INVALID_PARAMETERS", "PageSize")
        rows = [
            row
            for row in self._reports("aliyun", query.get("PhoneNumber", ""))
            if _shop(row[4]).strftime("%Y%m%d") == query.get("SendDate")
        ]
        details = [
            {"PhoneNum": query["PhoneNumber"], "SendStatus": 2 if failure else 3, "ErrCode": failure or "DELIVERED",
             "TemplateCode": template, "OutId": key, "SendDate": f"{_shop(at):%Y-%m-%d %H:%M:%S}"}
            for key, _phone, _biz, template, at, failure in rows[(page - 1) * size : page * size]
        ]  # fmt: skip
        return {"TotalCount": str(len(rows)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}

    def _tencent_status(self, content: dict, _now: int) -> dict:
        if not 0 < int(content.get("Limit", 0)) <= 100 or str(content.get("SmsSdkAppId")) != rules.TENCENT_APP:
            raise Wrong("InvalidParameterValue.ContentLengthLimit")
        if self._setting("receipts_held"):
            return {"PullSmsSendStatusSet": []}
        rows = [
            {"UserReceiveTime": at // 1000, "CountryCode": "86", "PhoneNumber": content["PhoneNumber"], "SerialNo": biz,
             "ReportStatus": "FAIL" if failure else "SUCCESS", "Description": failure or "DELIVRD", "SessionContext": key}
            for key, _phone, biz, _template, at, failure in self._reports("tencent", str(content.get("PhoneNumber")))
            if at // 1000 >= int(content.get("BeginTime", 0))
        ]  # fmt: skip
        return {"PullSmsSendStatusSet": rows}

    def _aliyun_add(self, query: dict, _now: int) -> dict:
        number = self._add("aliyun", query.get("TemplateName", ""), KINDS.get(query.get("TemplateType", ""), ""), query)
        return {"TemplateCode": f"SMS_{number}"}

    def _tencent_add(self, content: dict, _now: int) -> dict:
        kind = "promo" if content.get("SmsType") == 1 else "notice"
        number = self._add("tencent", str(content.get("TemplateName")), kind, content)
        return {"AddTemplateStatus": {"TemplateId": str(number)}}

    def _add(self, vendor: str, name: str, kind: str, given: dict) -> int:
        """Reviewed at once, unless reviews are held; a text without fixed words is refused."""
        text = str(given.get("TemplateContent", ""))
        state, reason = "pending" if self._setting("reviews_held") else "approved", ""
        try:
            Template(name="new", kind=kind, text=text)
            if kind == "promo" and not text.endswith("拒收请回复R"):
                raise ValueError("marketing must say how to refuse it")
        except ValueError as unfit:
            state, reason = "refused", str(unfit)
        cursor = self._db.execute(
            "INSERT INTO templates (vendor, name, kind, text, state, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (vendor, name, kind, text, state, reason),
        )
        return cursor.lastrowid or 0

    def _aliyun_review(self, query: dict, _now: int) -> dict:
        state, reason = self._state("aliyun", query.get("TemplateCode", ""))
        return {"TemplateStatus": {"pending": 0, "approved": 1, "refused": 2}[state], "Reason": reason}

    def _tencent_review(self, content: dict, _now: int) -> dict:
        states = {"pending": 1, "approved": 0, "refused": -1}
        found = [(code, *self._state("tencent", str(code))) for code in content.get("TemplateIdSet", [])]
        return {
            "DescribeTemplateStatusSet": [
                {"TemplateId": code, "StatusCode": states[state], "ReviewReply": reason}
                for code, state, reason in found
            ]
        }

    def _state(self, vendor: str, code: str) -> tuple[str, str]:
        row = self._db.execute(
            "SELECT state, reason FROM templates WHERE vendor = ? AND number = ?", (vendor, _number(code))
        ).fetchone()
        if row is None:
            raise Wrong("isv.SMS_TEMPLATE_ILLEGAL" if vendor == "aliyun" else "FailedOperation.TemplateIdNotExist")
        return row

    def _reports(self, vendor: str, to: str) -> list[tuple]:
        return self._db.execute(
            "SELECT key, phone, biz, template, at, failure FROM reports WHERE vendor = ? AND phone = ? ORDER BY number",
            (vendor, _hash(to)),
        ).fetchall()

    def _control(self, method: str, name: str, body: bytes, query: str) -> dict:
        """A tester's calls: `settings` {name: "on" | ""}, `review` approves what waits, `callbacks` as the vendor would post them."""
        if (method, name) == ("POST", "settings"):
            for key, value in parse(body).items():
                self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, str(value)))
            return {}
        if (method, name) == ("POST", "review"):
            self._db.execute("UPDATE templates SET state = 'approved' WHERE state = 'pending'")
            return {}
        if (method, name) == ("GET", "callbacks"):
            return self._callbacks(rules.parameters(query).get("vendor", ""))
        raise BadRequest("no such control")

    def _callbacks(self, vendor: str) -> dict:
        reports = self._db.execute(
            "SELECT number, key, phone, biz, at, failure FROM reports WHERE vendor = ? ORDER BY number", (vendor,)
        ).fetchall()
        replies = self._db.execute(
            "SELECT number, phone, text, at FROM replies WHERE vendor = ? ORDER BY number", (vendor,)
        ).fetchall()
        shapes = _ALIYUN_SHAPES if vendor == "aliyun" else _TENCENT_SHAPES
        return {
            "reports": [shapes[0](row, self._numbers.get(row[2], "")) for row in reports],
            "replies": [shapes[1](row, self._numbers.get(row[1], "")) for row in replies],
        }

    def _setting(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""


def _aliyun_report(row: tuple, number: str) -> dict:
    _number, key, _phone, biz, at, failure = row
    when = f"{_shop(at):%Y-%m-%d %H:%M:%S}"
    return {"phone_number": number, "send_time": when, "report_time": when, "success": not failure,
            "err_code": failure or "DELIVERED", "err_msg": failure, "sms_size": "1", "biz_id": biz, "out_id": key}  # fmt: skip


def _aliyun_reply(row: tuple, number: str) -> dict:
    sequence, _phone, text, at = row
    return {"phone_number": number, "content": text, "send_time": f"{_shop(at):%Y-%m-%d %H:%M:%S}",
            "sign_name": "", "dest_code": "0000000", "sequence_id": sequence}  # fmt: skip


def _tencent_report(row: tuple, number: str) -> dict:
    _number, key, _phone, biz, at, failure = row
    return {"user_receive_time": f"{_shop(at):%Y-%m-%d %H:%M:%S}", "nationcode": "86", "mobile": number,
            "report_status": "FAIL" if failure else "SUCCESS", "errmsg": failure or "DELIVRD",
            "description": "", "sid": biz, "ext": key}  # fmt: skip


def _tencent_reply(row: tuple, number: str) -> dict:
    _number, _phone, text, at = row
    return {"extend": "0", "mobile": number, "nationcode": "86", "sign": "", "text": text, "time": at // 1000}


_ALIYUN_SHAPES = (_aliyun_report, _aliyun_reply)
_TENCENT_SHAPES = (_tencent_report, _tencent_reply)


def _object(text: str) -> dict[str, str]:
    try:
        content = json.loads(text)
    except ValueError:
        raise Wrong("isv.INVALID_JSON_PARAM") from None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise Wrong("isv.INVALID_JSON_PARAM")
    return content


def _number(code: str) -> int:
    digits = code.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0


def _bare(to: str) -> str:
    return to.removeprefix("+86")


def _hash(to: str) -> str:
    return hashlib.blake2b(_bare(to).encode(), digest_size=16).hexdigest()


def _shop(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC) + timedelta(hours=8)
