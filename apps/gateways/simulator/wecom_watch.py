"""How staff and groups are doing as WeCom counts it, day by day, and words that it keeps staff from saying."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from apps.gateways.simulator.replies import BadRequest
from apps.gateways.simulator.wecom_rules import Refused
from apps.gateways.simulator.wecom_store import Doc, WecomStore

_CHINA = timezone(timedelta(hours=8))
LONGEST = timedelta(days=30)
COUNTS = ("chat_cnt", "message_cnt", "new_apply_cnt", "new_contact_cnt", "negative_feedback_cnt", "avg_reply_time")
SHARE = "reply_percentage"
TALKED = ("chat_has_msg", "member_has_msg", "msg_total", "new_member_cnt")


class Watch:
    """Figures are what a control call set for somebody and a day, else nothing happened."""

    def __init__(self, store: WecomStore) -> None:
        self.store = store
        self.calls: dict[str, Callable[[dict, dict, int], dict]] = {
            "externalcontact/get_user_behavior_data": self.behaviour,
            "externalcontact/groupchat/statistic_group_by_day": self.groups,
            "externalcontact/add_intercept_rule": self.add_rule,
            "externalcontact/update_intercept_rule": self.change_rule,
            "externalcontact/del_intercept_rule": self.drop_rule,
        }
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/control/wecom/fill": self.fill,
            "/control/wecom/behaved": self.behaved,
            "/wecom/words": lambda _b, _n: {"rules": [{"rule_id": n, **doc} for n, doc in store.page("intercept")]},
        }

    def fill(self, body: dict, _now: int) -> dict:
        """`docs`: kind → id → document, told to nobody: what was there before we came."""
        for kind, docs in body["docs"].items():
            if kind not in {"staff", "person", "follow", "chat", "behaved", "talked"}:
                raise BadRequest("staff, person, follow, chat, behaved and talked can be filled in")
            self.store.put_many(kind, docs)
        return {}

    def behaved(self, body: dict, _now: int) -> dict:
        """`userid`, `day` (2026-03-02), and any figures of the two statistics."""
        given = {name: value for name, value in body.items() if name not in ("userid", "day")}
        if not given.keys() <= {*COUNTS, SHARE, *TALKED}:
            raise BadRequest(f"figures are {', '.join((*COUNTS, SHARE, *TALKED))}")
        kind = "talked" if given.keys() & set(TALKED) else "behaved"
        self.store.put(kind, f"{body['userid']}|{body['day']}", given)
        return {}

    def behaviour(self, _query: dict, body: dict, now: int) -> dict:
        """Of several people the sums; days that nobody chatted on are told without the share and the time [M]."""
        users = self._users(body.get("userid"))
        rows = []
        for day in self._days(body.get("start_time"), body.get("end_time"), now=now):
            docs = [doc for user in users if (doc := self.store.get("behaved", f"{user}|{day:%Y-%m-%d}"))]
            row: dict[str, Any] = {"stat_time": int(day.timestamp())}
            row |= {name: sum(doc.get(name, 0) for doc in docs) for name in COUNTS[:-1]}
            if len(docs) == 1:
                row |= {name: docs[0][name] for name in (SHARE, "avg_reply_time") if name in docs[0]}
            rows.append(row)
        return {"behavior_data": rows}

    def groups(self, _query: dict, body: dict, now: int) -> dict:
        owners = self._users((body.get("owner_filter") or {}).get("userid_list"))
        chats = [doc for _, doc in self.store.page("chat") if doc["owner"] in owners and not doc["is_gone"]]
        items = []
        for day in self._days(body.get("day_begin_time"), body.get("day_end_time"), now=now):
            docs = [self.store.get("talked", f"{user}|{day:%Y-%m-%d}") or {} for user in owners]
            data = {name: sum(doc.get(name, 0) for doc in docs) for name in TALKED}
            data |= {"chat_total": len(chats), "member_total": sum(len(doc["states"][-1]["members"]) for doc in chats)}
            items.append({"stat_time": int(day.timestamp()), "data": data | {"new_chat_cnt": 0}})
        return {"items": items}

    def add_rule(self, _query: dict, body: dict, _now: int) -> dict:
        rule = self._rule(body, users=(body.get("applicable_range") or {}).get("user_list"))
        name = f"rule{self.store.next_number('intercept'):06d}"
        self.store.put("intercept", name, rule)
        return {"rule_id": name}

    def change_rule(self, _query: dict, body: dict, _now: int) -> dict:
        old = self._kept(body)
        added = (body.get("add_applicable_range") or {}).get("user_list") or []
        gone = (body.get("remove_applicable_range") or {}).get("user_list") or []
        users = [user for user in dict.fromkeys([*old["users"], *added]) if user not in gone]
        self.store.put("intercept", body["rule_id"], self._rule(body, users=users))
        return {}

    def drop_rule(self, _query: dict, body: dict, _now: int) -> dict:
        self._kept(body)
        self.store.drop("intercept", body["rule_id"])
        return {}

    def _rule(self, body: dict, *, users: object) -> Doc:
        words, name = body.get("word_list"), body.get("rule_name")
        if not isinstance(name, str) or not 0 < len(name) <= 20 or body.get("intercept_type") not in (1, 2):
            raise Refused(40058)
        if not isinstance(words, list) or not 1 <= len(words) <= 300 or not all(0 < len(word) <= 32 for word in words):
            raise Refused(40058)
        if not isinstance(users, list) or not 1 <= len(users) <= 1000:
            raise Refused(40058)
        if any(self.store.get("staff", str(user)) is None for user in users):
            raise Refused(40003)
        return {"name": name, "words": words, "type": body["intercept_type"], "users": users}

    def _kept(self, body: dict) -> Doc:
        found = self.store.get("intercept", str(body.get("rule_id")))
        if found is None:
            raise Refused(40058)
        return found

    def _users(self, listed: object) -> list[str]:
        if not isinstance(listed, list) or not 1 <= len(listed) <= 100:
            raise Refused(40058)
        if any(self.store.get("staff", str(user)) is None for user in listed):
            raise Refused(40003)
        return listed

    def _days(self, since: object, until: object, *, now: int) -> list[datetime]:
        """Midnights from one to the other; today is not told yet."""
        if not isinstance(since, int) or not isinstance(until, int) or until < since:
            raise Refused(40058)
        first, last, today = (_midnight(seconds) for seconds in (since, until, now // 1000))
        if (
            last - first >= LONGEST
            or today - first > timedelta(days=self.store.limits["figures_days"])
            or last >= today
        ):
            raise Refused(40058)
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _midnight(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(_CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
