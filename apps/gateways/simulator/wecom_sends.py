"""Group sends: a task that stays pending until a (fake) member of staff confirms it; only then do customers get anything."""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from apps.gateways.simulator import wecom_rules as rules
from apps.gateways.simulator.wecom_rules import Refused
from apps.gateways.simulator.wecom_store import Doc, WecomStore

NOT_SENT, SENT, NO_FRIEND, OVER_LIMIT = 0, 1, 2, 3
_CHINA = timezone(timedelta(hours=8))


class Sends:
    def __init__(self, store: WecomStore) -> None:
        self.store = store
        self.calls: dict[str, Callable[[dict, dict, int], dict]] = {
            "externalcontact/add_msg_template": self.create,
            "externalcontact/get_groupmsg_task": self.tasks,
            "externalcontact/get_groupmsg_send_result": self.results,
            "externalcontact/remind_groupmsg_send": self.remind,
            "externalcontact/cancel_groupmsg_send": self.cancel,
        }
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/control/wecom/confirm": self.confirm,
            "/wecom/sends": lambda _b, _n: {"sends": [{"msgid": n, **doc} for n, doc in store.page("send")]},
            "/wecom/delivered": lambda _b, _n: {"delivered": [doc for _, doc in store.page("delivered")]},
        }

    def create(self, _query: dict, body: dict, now: int) -> dict:
        kind, sender = body.get("chat_type", "single"), body.get("sender", "")
        text = (body.get("text") or {}).get("content", "")
        if kind not in ("single", "group") or len(body.get("attachments", [])) > 9:
            raise Refused(41048)
        if not isinstance(text, str) or len(text.encode()) > 4000 or not (text or body.get("attachments")):
            raise Refused(44001)
        if sender and not (self.store.get("staff", sender) or {"works": False})["works"]:
            raise Refused(40003)
        targets, failed = self._chats(body, sender) if kind == "group" else self._customers(body, sender)
        if not any(targets.values()):
            raise Refused(41048)
        msgid = f"msg{self.store.next_number('send'):08d}"
        people = {
            userid: {"status": NOT_SENT, "at": 0, "targets": dict.fromkeys(listed, NOT_SENT)}
            for userid, listed in targets.items()
        }
        self.store.put(
            "send", msgid, {"kind": kind, "text": text, "at": now, "people": people, "reminded": [], "is_off": False}
        )
        return {"msgid": msgid, "fail_list": failed}

    def _customers(self, body: dict, sender: str) -> tuple[dict[str, list[str]], list[str]]:
        """Who of the customers goes to whom: to the sender, or to the first who follows them. The sender alone: all of theirs."""
        listed = body.get("external_userid")
        if not listed:
            if not sender:
                raise Refused(40058)
            return {sender: [name.split("|")[1] for name, _ in self.store.page("follow", prefix=f"{sender}|")]}, []
        if not isinstance(listed, list) or len(listed) > 10_000:
            raise Refused(40058)
        found: dict[str, list[str]] = {}
        failed = []
        for external in listed:
            person = self.store.get("person", external)
            followers = [user for user in (person or {"followers": []})["followers"] if sender in ("", user)]
            if followers:
                found.setdefault(followers[0], []).append(external)
            else:
                failed.append(external)
        return found, failed

    def _chats(self, body: dict, sender: str) -> tuple[dict[str, list[str]], list[str]]:
        if not sender:
            raise Refused(40003)
        owned = {name for name, doc in self.store.page("chat") if doc["owner"] == sender and not doc["is_gone"]}
        listed = body.get("chat_id_list") or sorted(owned)
        return {sender: [chat for chat in listed if chat in owned]}, [chat for chat in listed if chat not in owned]

    def tasks(self, _query: dict, body: dict, _now: int) -> dict:
        send = self._send(body)
        return {
            "task_list": [
                {"userid": userid, "status": person["status"], "send_time": person["at"] // 1000}
                for userid, person in send["people"].items()
            ],
            "next_cursor": "",
        }

    def results(self, _query: dict, body: dict, _now: int) -> dict:
        person = self._send(body)["people"].get(body.get("userid"))
        if person is None:
            raise Refused(40003)
        name = "chat_id" if self._send(body)["kind"] == "group" else "external_userid"
        start, limit = int(body.get("cursor") or 0), min(int(body.get("limit") or 500), 1000)
        listed = list(person["targets"].items())
        rows = [
            {name: target, "userid": body["userid"], "status": status, "send_time": person["at"] // 1000}
            for target, status in listed[start : start + limit]
        ]
        return {"send_list": rows, "next_cursor": str(start + limit) if len(listed) > start + limit else ""}

    def remind(self, _query: dict, body: dict, now: int) -> dict:
        send = self._send(body)
        recent = [at for at in send["reminded"] if at > now - rules.DAY]
        if send["is_off"] or all(person["status"] for person in send["people"].values()):
            raise Refused(41063)
        if len(recent) >= self.store.limits["reminders_per_day"]:
            raise Refused(45035)
        self.store.put("send", body["msgid"], send | {"reminded": [*recent, now]})
        return {}

    def cancel(self, _query: dict, body: dict, _now: int) -> dict:
        send = self._send(body)
        if send["is_off"]:
            raise Refused(41063)
        self.store.put("send", body["msgid"], send | {"is_off": True})
        return {}

    def confirm(self, body: dict, now: int) -> dict:
        """Staff (`userid`, or everybody) confirm what waits for them, or the one `msgid`. → customers and groups that got something."""
        delivered = 0
        for msgid, send in self.store.page("send"):
            if send["is_off"] or body.get("msgid", msgid) != msgid:
                continue
            for userid, person in send["people"].items():
                if person["status"] == NOT_SENT and body.get("userid", userid) == userid and self._works(userid):
                    person["targets"] = {t: self._deliver(send, userid, t, now) for t in person["targets"]}
                    delivered += sum(status == SENT for status in person["targets"].values())
                    person |= {"status": 2, "at": now}
            self.store.put("send", msgid, send)
        return {"delivered": delivered}

    def _works(self, userid: str) -> bool:
        return (self.store.get("staff", userid) or {"works": False})["works"]

    def _deliver(self, send: Doc, userid: str, target: str, now: int) -> int:
        if send["kind"] == "single" and self.store.get("follow", f"{userid}|{target}") is None:
            return NO_FRIEND
        for span, most in self._spans(now):
            doc = self.store.get("sent", f"{target}|{span}") or {"count": 0}
            if doc["count"] >= most:
                return OVER_LIMIT
        for span, _most in self._spans(now):
            doc = self.store.get("sent", f"{target}|{span}") or {"count": 0}
            self.store.put("sent", f"{target}|{span}", {"count": doc["count"] + 1})
        number = f"{self.store.next_number('delivered'):010d}"
        doc = {"target": target, "userid": userid, "text": send["text"], "at": now}
        self.store.put("delivered", number, doc)
        return SENT

    def _spans(self, now: int) -> list[tuple[str, int]]:
        """The spans that count, by China's calendar, with how many messages one customer or group may get in each."""
        day, limits = datetime.fromtimestamp(now / 1000, UTC).astimezone(_CHINA).date(), self.store.limits
        if limits["sends_per_day"]:
            return [(day.isoformat(), limits["sends_per_day"])]
        if limits["sends_per_week"]:
            year, week, _ = day.isocalendar()
            return [(f"{year}-W{week}", limits["sends_per_week"])]
        return [(f"{day:%Y-%m}", min(limits["sends_per_month"], monthrange(day.year, day.month)[1]))]

    def _send(self, body: dict) -> dict[str, Any]:
        send = self.store.get("send", str(body.get("msgid")))
        if send is None:
            raise Refused(40058)
        return send
