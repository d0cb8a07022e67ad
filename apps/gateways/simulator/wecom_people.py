"""The people behind WeCom: customers who add and leave staff, staff who write remarks, and the events that WeCom tells of it."""

import secrets
from collections.abc import Callable
from typing import Any

from apps.gateways.simulator import wecom_rules as rules
from apps.gateways.simulator.replies import BadRequest
from apps.gateways.simulator.wechat_rules import unionid
from apps.gateways.simulator.wecom_store import Doc, WecomStore


class People:
    """Control calls. What people do is called back; what the API does is not."""

    def __init__(self, store: WecomStore) -> None:
        self.store = store
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/control/wecom/staff": self.hire,
            "/control/wecom/leave": self.leave,
            "/control/wecom/crowd": self.crowd,
            "/control/wecom/add": self.add,
            "/control/wecom/edit": self.edit,
            "/control/wecom/drop": self.drop,
            "/control/wecom/limits": self.limit,
            "/control/wecom/callbacks": self.aim,
            "/control/wecom/end_tokens": self.end_tokens,
            "/wecom/callbacks": self.callbacks,
            "/wecom/welcomes": lambda _b, _n: {"welcomes": [doc for _, doc in store.page("welcome")]},
            "/wecom/staff": lambda _b, _n: {"staff": [{"userid": n, **doc} for n, doc in store.page("staff")]},
            "/wecom/ways": lambda _b, _n: {"ways": [{"config_id": n, **doc} for n, doc in store.page("way")]},
            "/wecom/verify": lambda _b, now: rules.echostr("1616140317555161061", timestamp=now // 1000, nonce="7"),
        }

    def hire(self, body: dict, _now: int) -> dict:
        for userid in body["userids"]:
            self.store.put("staff", userid, {"works": True})
        return {}

    def leave(self, body: dict, _now: int) -> dict:
        """Somebody quits; their customers stay theirs until they are handed over."""
        self.store.put("staff", body["userid"], {"works": False})
        return {}

    def crowd(self, body: dict, now: int) -> dict:
        """`count` customers of `userids` by turns, told to nobody: what was there before we came."""
        users, start = body["userids"], self.store.count("person")
        names = [external_of(f"crowd{start + number}") for number in range(int(body["count"]))]
        followers = [users[number % len(users)] for number in range(len(names))]
        self.store.put_many(
            "person",
            {name: _person(name, f"crowd{start + n}", [followers[n]]) for n, name in enumerate(names)},
        )
        self.store.put_many(
            "follow",
            {f"{user}|{name}": _follow(user, name, now) for user, name in zip(followers, names, strict=True)},
        )
        return {"count": len(names)}

    def add(self, body: dict, now: int) -> dict:
        """A customer (`person`, an invented name) adds `userid`, or whoever the code `state` leads to. `busy`: so many 41096."""
        userid, state = body.get("userid", ""), body.get("state", "")
        if state:
            ways = [doc for _, doc in self.store.page("way") if doc["state"] == state]
            if not ways:
                raise BadRequest("no code has this state")
            userid = userid or ways[0]["users"][self.store.next_number("turn") % len(ways[0]["users"])]
            if userid not in ways[0]["users"]:
                raise BadRequest("the code does not lead to this member of staff")
        if not (self.store.get("staff", userid) or {"works": False})["works"]:
            raise BadRequest("nobody of this userid works here")
        name = external_of(body["person"])
        person = self.store.get("person", name) or _person(name, body["person"], [])
        if len(self.store.page("follow", prefix=f"{userid}|")) >= self.store.limits["friends"]:
            raise BadRequest("this member of staff has no room for further customers")
        is_new = userid not in person["followers"]
        person["followers"] = [*dict.fromkeys([*person["followers"], userid])]
        self.store.put("person", name, person | ({"unionid": body["unionid"]} if "unionid" in body else {}))
        mobiles = body.get("mobiles", [])
        if is_new:
            self.store.put("follow", f"{userid}|{name}", _follow(userid, name, now, state=state, mobiles=mobiles))
        code = {} if body.get("is_preset") else {"WelcomeCode": self._welcome_code(now, busy=int(body.get("busy", 0)))}
        extra = {"State": state} if state else {}
        self.tell(
            "change_external_contact", "add_external_contact", now, UserID=userid, ExternalUserID=name, **extra, **code
        )
        return {"external_userid": name, "userid": userid, "unionid": person["unionid"]} | code

    def edit(self, body: dict, now: int) -> dict:
        """Staff change the remark or tags; a change of the phones alone is told to nobody."""
        name = f"{body['userid']}|{body['external_userid']}"
        follow = self._follow(name)
        for key in ("remark", "tags", "remark_mobiles"):
            follow[key] = body.get(key, follow[key])
        self.store.put("follow", name, follow)
        if "remark" in body or "tags" in body:
            self._tell_pair("edit_external_contact", body, now)
        return {}

    def drop(self, body: dict, now: int) -> dict:
        """`by` customer (del_follow_user) or staff (del_external_contact) ends it."""
        name = f"{body['userid']}|{body['external_userid']}"
        self._follow(name)
        self.store.drop("follow", name)
        person = self.store.get("person", body["external_userid"]) or {}
        person["followers"] = [user for user in person["followers"] if user != body["userid"]]
        self.store.put("person", body["external_userid"], person)
        kind = "del_follow_user" if body.get("by", "customer") == "customer" else "del_external_contact"
        self._tell_pair(kind, body, now)
        return {}

    def moved(self, external: str, leaver: str, heir: str, now: int) -> int:
        """Hand one customer over; the errcode of it."""
        person = self.store.get("person", external)
        follow = self.store.get("follow", f"{leaver}|{external}")
        if person is None or follow is None:
            return 40096
        if len(self.store.page("follow", prefix=f"{heir}|")) >= self.store.limits["friends"]:
            return 40129
        self.store.drop("follow", f"{leaver}|{external}")
        self.store.put(
            "follow", f"{heir}|{external}", follow | {"userid": heir, "createtime": now // 1000, "add_way": 202}
        )
        kept = [user for user in person["followers"] if user not in (leaver, heir)]
        self.store.put("person", external, person | {"followers": [*kept, heir]})
        return 0

    def limit(self, body: dict, _now: int) -> dict:
        if not body.keys() <= rules.LIMITS.keys() or any(type(value) is not int for value in body.values()):
            raise BadRequest(f"limits are {', '.join(rules.LIMITS)}, whole numbers")
        self.store.put("settings", "limits", (self.store.get("settings", "limits") or {}) | body)
        return self.store.limits

    def end_tokens(self, _body: dict, _now: int) -> dict:
        for name, _ in self.store.page("issued"):
            self.store.drop("issued", name)
        self.store.drop("token", "now")
        return {}

    def aim(self, body: dict, _now: int) -> dict:
        """Where and how events are posted: `url`, and `copies`, `is_shuffled`, `forged` (every n-th) as in `callbacks`."""
        self.store.put("settings", "callbacks", (self.store.get("settings", "callbacks") or {}) | body)
        return self.store.get("settings", "callbacks") or {}

    def callbacks(self, body: dict, now: int) -> dict:
        """Events after a running number as signed requests. `copies`: each so often; `is_shuffled`; `forged`: every n-th one is."""
        rows = self.store.page("event", after=f"{int(body.get('after', 0)):010d}")
        listed: list[dict[str, Any]] = []
        for place, (name, event) in enumerate(rows, start=1):
            is_forged = bool(int(body.get("forged", 0))) and place % int(body["forged"]) == 0
            for _copy in range(int(body.get("copies", 1))):
                nonce = secrets.token_hex(5)
                query, text = rules.envelope(event["xml"], timestamp=now // 1000, nonce=nonce, is_forged=is_forged)
                listed.append({"number": int(name), "query": query, "body": text, "is_forged": is_forged})
        if int(body.get("is_shuffled", 0)):
            listed.sort(key=lambda request: request["query"]["nonce"])
        return {"requests": listed}

    def tell(self, event: str, kind: str, now: int, **fields: str | int) -> None:
        """One event, kept until somebody asks for it or the sender posts it."""
        known: dict[str, str | int] = {
            "ToUserName": rules.CORP, "FromUserName": "sys", "CreateTime": now // 1000, "MsgType": "event",
            "Event": event, **({"ChangeType": kind} if kind else {}),
        }  # fmt: skip
        number = self.store.next_number("event")
        self.store.put("event", f"{number:010d}", {"xml": rules.event_xml(known | fields)})

    def _tell_pair(self, kind: str, body: dict, now: int) -> None:
        self.tell("change_external_contact", kind, now, UserID=body["userid"], ExternalUserID=body["external_userid"])

    def _welcome_code(self, now: int, *, busy: int) -> str:
        code = f"CALLBACK_{secrets.token_urlsafe(12)}"
        self.store.put("welcome", code, {"at": now, "text": "", "busy": busy})
        return code

    def _follow(self, name: str) -> Doc:
        found = self.store.get("follow", name)
        if found is None:
            raise BadRequest("they do not know each other")
        return found


def external_of(person: str) -> str:
    return person if person.startswith("wm") else f"wmsim{person}"


def _person(external: str, name: str, followers: list[str]) -> Doc:
    return {
        "external_userid": external, "name": name, "avatar": "", "type": 1, "gender": 0, "unionid": unionid(name),
        "followers": followers,
    }  # fmt: skip


def _follow(userid: str, external: str, now: int, *, state: str = "", mobiles: list[str] | None = None) -> Doc:
    return {
        "userid": userid, "external_userid": external, "remark": "", "description": "", "createtime": now // 1000,
        "tags": [], "remark_mobiles": mobiles or [], "state": state, "add_way": 1,
    }  # fmt: skip
