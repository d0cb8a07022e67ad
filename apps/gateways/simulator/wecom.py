"""WeCom's endpoints: tokens, customers, codes, tags, welcomes. Group sends and groups stand beside; control calls play the people."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from apps.gateways.simulator import wecom_rules as rules
from apps.gateways.simulator.replies import Reply, as_json, parse
from apps.gateways.simulator.wecom_apps import Apps
from apps.gateways.simulator.wecom_groups import Groups
from apps.gateways.simulator.wecom_kf import Kf
from apps.gateways.simulator.wecom_people import People
from apps.gateways.simulator.wecom_rules import Refused
from apps.gateways.simulator.wecom_sends import Sends
from apps.gateways.simulator.wecom_store import Doc, WecomStore
from apps.gateways.simulator.wecom_watch import Watch

PREFIXES = (
    "/cgi-bin/gettoken",
    "/cgi-bin/externalcontact/",
    "/cgi-bin/kf/",
    "/cgi-bin/media/",
    "/cgi-bin/message/send",
    "/wecom/",
    "/control/wecom/",
)
ROOT = "/cgi-bin/"
Act = Callable[[dict, dict, int], dict]


class Wecom:
    """Judges one call at a time. The vendor's calls answer HTTP 200 whatever happens; control calls do not."""

    def __init__(self, folder: Path) -> None:
        self.store = WecomStore(folder)
        self.people = People(self.store)
        self.sends = Sends(self.store)
        self.groups = Groups(self.store, tell=self.people.tell)
        self.kf = Kf(self.store, self.people)
        self.watch = Watch(self.store)
        self.apps = Apps(self.store)
        if self.store.count("staff") == 0:
            self.people.hire({"userids": ["sim-lin", "sim-chen", "sim-wang"]}, 0)
        self._get: dict[str, Act] = {
            "externalcontact/get_follow_user_list": lambda _q, _b, _n: {"follow_user": self._staff()},
            "externalcontact/list": self.listing,
            "externalcontact/get": self.get,
        }
        self._post: dict[str, Act] = {
            "externalcontact/batch/get_by_user": self.batch,
            "externalcontact/add_contact_way": self.add_way,
            "externalcontact/update_contact_way": self.change_way,
            "externalcontact/del_contact_way": self.drop_way,
            "externalcontact/mark_tag": self.mark_tag,
            "externalcontact/get_corp_tag_list": self.tag_list,
            "externalcontact/add_corp_tag": self.add_tag,
            "externalcontact/send_welcome_msg": self.welcome,
            "externalcontact/transfer_customer": lambda q, b, n: self.transfer(q, b, n, has_left=False),
            "externalcontact/resigned/transfer_customer": lambda q, b, n: self.transfer(q, b, n, has_left=True),
            **self.sends.calls,
            **self.groups.calls,
            **self.kf.calls,
            **self.watch.calls,
            **self.apps.calls,
        }
        self._control: dict[str, Callable[[dict, int], dict]] = {
            **self.people.controls,
            **self.sends.controls,
            **self.groups.controls,
            **self.kf.controls,
            **self.watch.controls,
            **self.apps.controls,
            "/wecom/stats": lambda _b, _n: {"calls": self._totals()},
        }

    def answer(self, *, method: str, path: str, query: str, body: bytes, now: int) -> Reply:
        given = {name: values[0] for name, values in parse_qs(query).items()}
        if path.startswith(ROOT):
            return self._vendor(method, path.removeprefix(ROOT), given, body, now)
        act = self._control.get(path)
        if act is None:
            return as_json(404, {"error": "no such endpoint"})
        return as_json(200, act(parse(body) if method == "POST" else given, now))

    def _vendor(self, method: str, api: str, query: dict, body: bytes, now: int) -> Reply:
        content: dict | bytes
        try:
            content = self._judged(method, api, query, body, now)
        except Refused as refused:
            hint = f"hint: [{secrets.token_hex(8)}], from ip: 127.0.0.1, more info at the vendor's devtool"
            content = {"errcode": refused.code, "errmsg": f"{rules.WORDS[refused.code]}, {hint}"}
        if isinstance(content, bytes):
            self.store.calls[api, 0] += 1
            return Reply(200, content, content_type="image/jpeg")
        self.store.calls[api, content.get("errcode", 0)] += 1
        return as_json(200, {"errcode": 0, "errmsg": "ok"} | content)

    def _judged(self, method: str, api: str, query: dict, body: bytes, now: int) -> dict | bytes:
        self.store.admit(api, now=now)
        if api == "gettoken":
            return self._token(query, now)
        self._check_token(query.get("access_token", ""), now=now)
        if api == "media/get":
            return self.kf.media(query, now)
        if api in self._get:
            return self._get[api](query, {}, now)
        act = self._post.get(api)
        if act is None:
            raise Refused(40058)
        if method != "POST":
            raise Refused(43002)
        return act(query, _posted(body), now)

    def _totals(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for (api, code), calls in sorted(self.store.calls.items()):
            found.setdefault(api, {})[str(code)] = calls
        return found

    def _token(self, query: dict, now: int) -> dict:
        if query.get("corpid") != rules.CORP:
            raise Refused(40013)
        if not secrets.compare_digest(query.get("corpsecret", "").encode(), rules.SECRET.encode()):
            raise Refused(40001)
        kept = self.store.get("token", "now")
        if kept is None or kept["until"] - now <= rules.OVERLAP:
            kept = {"text": f"wecom_{secrets.token_urlsafe(64)}", "until": now + rules.TOKEN_LIVES}
            self.store.put("token", "now", kept)
            self.store.put("issued", kept["text"], kept)
        return {"access_token": kept["text"], "expires_in": (kept["until"] - now) // rules.SECOND}

    def _check_token(self, text: str, *, now: int) -> None:
        known = self.store.get("issued", text)
        if known is None:
            raise Refused(40014)
        if known["until"] <= now:
            raise Refused(42001)

    def _staff(self) -> list[str]:
        return [name for name, doc in self.store.page("staff") if doc["works"]]

    def listing(self, query: dict, _body: dict, _now: int) -> dict:
        if self.store.get("staff", query.get("userid", "")) is None:
            raise Refused(40003)
        rows = self.store.page("follow", prefix=f"{query['userid']}|")
        if not rows:
            raise Refused(84061)
        return {"external_userid": [name.split("|")[1] for name, _ in rows]}

    def get(self, query: dict, _body: dict, _now: int) -> dict:
        person = self.store.get("person", query.get("external_userid", ""))
        if person is None:
            raise Refused(40096)
        follows = [self.store.get("follow", f"{user}|{person['external_userid']}") for user in person["followers"]]
        if not follows:
            raise Refused(84061)
        start = int(query.get("cursor") or 0)
        answer: dict[str, Any] = {
            "external_contact": _public(person),
            "follow_user": [_named(follow) for follow in follows[start : start + 500] if follow],
        }
        return answer | ({"next_cursor": str(start + 500)} if len(follows) > start + 500 else {})

    def batch(self, _query: dict, body: dict, _now: int) -> dict:
        users = body.get("userid_list")
        if not isinstance(users, list) or not 1 <= len(users) <= 100:
            raise Refused(40058)
        if any(self.store.get("staff", str(user)) is None for user in users):
            raise Refused(40003)
        limit = int(body.get("limit") or 50)
        if not 1 <= limit <= 100:
            raise Refused(40058)
        found: list[tuple[str, Doc]] = []
        after = str(body.get("cursor") or "")
        for user in sorted(users):
            if len(found) <= limit and f"{user}|\U0010ffff" > after:
                found += self.store.page("follow", prefix=f"{user}|", after=after, limit=limit + 1 - len(found))
        if not found and not after:
            raise Refused(84061)
        shown = found[:limit]
        rows = []
        for _name, follow in shown:
            person = self.store.get("person", follow["external_userid"])
            told = _named(follow)
            told["tag_id"] = [tag["tag_id"] for tag in told.pop("tags")]
            rows.append({"external_contact": _public(person or {}), "follow_info": told})
        return {"external_contact_list": rows, "next_cursor": shown[-1][0] if len(found) > limit else ""}

    def add_way(self, _query: dict, body: dict, _now: int) -> dict:
        if body.get("type") not in (1, 2):
            raise Refused(41037)
        if body.get("scene") not in (1, 2):
            raise Refused(41040)
        if self.store.count("way") >= self.store.limits["ways"]:
            raise Refused(41044)
        if len(str(body.get("remark", ""))) > 30 or len(str(body.get("state", ""))) > 30:
            raise Refused(40058)
        users = self._way_users(body, kind=int(body["type"]))
        name = f"way{self.store.next_number('way'):08d}"
        self.store.put("way", name, {"users": users, "state": body.get("state", ""), "type": body["type"]})
        shown = {"qr_code": f"https://wework.qpic.cn/simulated/{name}"} if body["scene"] == 2 else {}
        return {"config_id": name} | shown

    def change_way(self, _query: dict, body: dict, _now: int) -> dict:
        way = self.store.get("way", str(body.get("config_id")))
        if way is None:
            raise Refused(41042)
        if "user" in body:
            way["users"] = self._way_users(body, kind=2)
        self.store.put("way", str(body["config_id"]), way | {"state": body.get("state", way["state"])})
        return {}

    def drop_way(self, _query: dict, body: dict, _now: int) -> dict:
        if self.store.get("way", str(body.get("config_id"))) is None:
            raise Refused(41042)
        self.store.drop("way", str(body["config_id"]))
        return {}

    def _way_users(self, body: dict, *, kind: int) -> list[str]:
        users = body.get("user")
        most = 1 if kind == 1 else self.store.limits["way_users"]
        if not isinstance(users, list) or not 1 <= len(users) <= most:
            raise Refused(41041)
        if not set(users) <= set(self._staff()):
            raise Refused(40003)
        return users

    def mark_tag(self, _query: dict, body: dict, _now: int) -> dict:
        """By the API: nobody is called back about it."""
        name = f"{body.get('userid')}|{body.get('external_userid')}"
        if self.store.get("staff", str(body.get("userid"))) is None:
            raise Refused(40003)
        follow = self.store.get("follow", name)
        if follow is None:
            raise Refused(40096)
        add, remove = body.get("add_tag") or [], body.get("remove_tag") or []
        if not add and not remove:
            raise Refused(40058)
        if any(self.store.get("tag", str(tag)) is None for tag in [*add, *remove]):
            raise Refused(40068)
        tags = [tag for tag in dict.fromkeys([*follow["tags"], *add]) if tag not in remove]
        if len(tags) > self.store.limits["tags_of_a_customer"]:
            raise Refused(40058)
        self.store.put("follow", name, follow | {"tags": tags})
        return {}

    def tag_list(self, _query: dict, _body: dict, _now: int) -> dict:
        groups: dict[str, dict[str, Any]] = {}
        for name, tag in self.store.page("tag"):
            fresh = {"group_id": f"g-{tag['group']}", "group_name": tag["group"], "order": 0, "tag": []}
            groups.setdefault(tag["group"], fresh)["tag"].append({"id": name, "name": tag["name"], "order": 0})
        return {"tag_group": list(groups.values())}

    def add_tag(self, _query: dict, body: dict, now: int) -> dict:
        wanted = body.get("tag")
        if not isinstance(wanted, list) or not wanted or not body.get("group_name"):
            raise Refused(40058)
        if self.store.count("tag") + len(wanted) > self.store.limits["corp_tags"]:
            raise Refused(40058)
        made = []
        for entry in wanted:
            name = f"et{self.store.next_number('tag'):06d}"
            doc = {"name": entry["name"], "group": body["group_name"], "at": now}
            self.store.put("tag", name, doc)
            made.append({"id": name, "name": entry["name"], "create_time": now // 1000, "order": 0})
        return {"tag_group": {"group_id": f"g-{body['group_name']}", "group_name": body["group_name"], "tag": made}}

    def welcome(self, _query: dict, body: dict, now: int) -> dict:
        code = self.store.get("welcome", str(body.get("welcome_code")))
        text = (body.get("text") or {}).get("content", "")
        if not isinstance(text, str) or len(text.encode()) > 4000 or len(body.get("attachments", [])) > 9:
            raise Refused(40058)
        if not text and not body.get("attachments"):
            raise Refused(40058)
        if code is None or now > code["at"] + self.store.limits["welcome_ms"]:
            raise Refused(41050)
        if code["busy"] > 0:
            self.store.put("welcome", body["welcome_code"], code | {"busy": code["busy"] - 1})
            raise Refused(41096)
        if code["text"]:
            raise Refused(41051)
        self.store.put("welcome", body["welcome_code"], code | {"text": text})
        return {}

    def transfer(self, _query: dict, body: dict, now: int, *, has_left: bool) -> dict:
        """The hand-over is done at once here, and told by no callback, as everything that the API does."""
        leaver, heir = (self.store.get("staff", str(body.get(name))) for name in ("handover_userid", "takeover_userid"))
        listed = body.get("external_userid")
        if leaver is None or heir is None or not heir["works"]:
            raise Refused(40003)
        if leaver["works"] is has_left:
            raise Refused(40100)
        if not isinstance(listed, list) or not 1 <= len(listed) <= 100:
            raise Refused(40058)
        rows = [
            {"external_userid": each, "errcode": self.people.moved(each, body["handover_userid"], body["takeover_userid"], now)}
            for each in listed
        ]  # fmt: skip
        return {"customer": rows}


def _posted(body: bytes) -> dict:
    if not body:
        raise Refused(44002)
    try:
        content = json.loads(body)
    except ValueError:
        raise Refused(47001) from None
    if not isinstance(content, dict):
        raise Refused(47001)
    return content


def _public(person: Doc) -> Doc:
    shown = {name: person.get(name, "") for name in ("external_userid", "name", "avatar", "type", "gender")}
    return shown | ({"unionid": person["unionid"]} if person.get("unionid") else {})


def _named(follow: Doc) -> Doc:
    kept = {
        name: follow[name]
        for name in ("userid", "remark", "description", "createtime", "remark_mobiles", "state", "add_way")
    }
    return kept | {"tags": [{"tag_id": tag, "type": 1} for tag in follow["tags"]]}
