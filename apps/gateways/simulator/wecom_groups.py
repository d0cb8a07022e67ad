"""Customer groups: rosters, codes that lead into the first group with room, and a roster that lags behind its event if asked to."""

from collections.abc import Callable
from typing import Any, Protocol

from apps.gateways.simulator.replies import BadRequest
from apps.gateways.simulator.wechat_rules import unionid
from apps.gateways.simulator.wecom_rules import Refused
from apps.gateways.simulator.wecom_store import Doc, WecomStore


class Tell(Protocol):
    def __call__(self, event: str, kind: str, now: int, **fields: str | int) -> None: ...


class Groups:
    def __init__(self, store: WecomStore, *, tell: Tell) -> None:
        self.store, self.tell = store, tell
        self.calls: dict[str, Callable[[dict, dict, int], dict]] = {
            "externalcontact/groupchat/list": self.listing,
            "externalcontact/groupchat/get": self.get,
            "externalcontact/groupchat/transfer": self.transfer,
            "externalcontact/groupchat/add_join_way": self.add_way,
            "externalcontact/groupchat/get_join_way": self.get_way,
            "externalcontact/groupchat/update_join_way": self.change_way,
        }
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/control/wecom/chats": self.found,
            "/control/wecom/join": self.join,
            "/control/wecom/part": self.part,
            "/control/wecom/dismiss": self.dismiss,
            "/wecom/chats": lambda _b, _n: {"chats": [{"chat_id": n, **_now(doc)} for n, doc in store.page("chat")]},
        }

    def listing(self, _query: dict, body: dict, _now: int) -> dict:
        limit = int(body.get("limit") or 0)
        if not 1 <= limit <= 1000:
            raise Refused(40058)
        rows = [row for row in self.store.page("chat", after=str(body.get("cursor") or "")) if not row[1]["is_gone"]]
        shown = rows[:limit]
        listed = [{"chat_id": name, "status": 0 if self._works(doc["owner"]) else 1} for name, doc in shown]
        return {"group_chat_list": listed, "next_cursor": shown[-1][0] if len(rows) > limit else ""}

    def get(self, _query: dict, body: dict, now: int) -> dict:
        chat = self.store.get("chat", str(body.get("chat_id")))
        if chat is None or chat["is_gone"]:
            raise Refused(90501)
        seen = [state for state in chat["states"] if state["from"] <= now] or chat["states"][:1]
        state = seen[-1]
        return {
            "group_chat": {
                "chat_id": body["chat_id"], "name": chat["name"], "owner": chat["owner"], "notice": "",
                "create_time": chat["at"] // 1000, "member_list": state["members"], "admin_list": [],
                "member_version": str(state["version"]),
            }
        }  # fmt: skip

    def transfer(self, _query: dict, body: dict, _now: int) -> dict:
        if not self._works(str(body.get("new_owner"))):
            raise Refused(40003)
        failed = []
        for name in body.get("chat_id_list", []):
            chat = self.store.get("chat", name)
            if chat is None or self._works(chat["owner"]):
                failed.append({"chat_id": name, "errcode": 90501 if chat is None else 90500})
            else:
                self.store.put("chat", name, chat | {"owner": body["new_owner"]})
        return {"failed_chat_list": failed}

    def add_way(self, _query: dict, body: dict, _now: int) -> dict:
        if body.get("scene") not in (1, 2):
            raise Refused(41040)
        name = f"join{self.store.next_number('join'):06d}"
        self.store.put("join", name, self._way(body))
        return {"config_id": name}

    def change_way(self, _query: dict, body: dict, _now: int) -> dict:
        old = self.store.get("join", str(body.get("config_id")))
        if old is None:
            raise Refused(41042)
        self.store.put("join", body["config_id"], self._way(body) | {"state": body.get("state", old["state"])})
        return {}

    def get_way(self, _query: dict, body: dict, _now: int) -> dict:
        way = self.store.get("join", str(body.get("config_id")))
        if way is None:
            raise Refused(41042)
        shown = {"config_id": body["config_id"], "qr_code": f"https://wework.qpic.cn/simulated/{body['config_id']}"}
        return {"join_way": shown | way}

    def _way(self, body: dict) -> Doc:
        chats = body.get("chat_id_list")
        if not isinstance(chats, list) or not 1 <= len(chats) <= self.store.limits["way_chats"]:
            raise Refused(40058)
        if any(self.store.get("chat", str(chat)) is None for chat in chats):
            raise Refused(90501)
        return {
            "chat_id_list": chats, "auto_create_room": int(body.get("auto_create_room", 0)), "state": body.get("state", ""),
            "room_base_name": body.get("room_base_name", ""), "room_base_id": int(body.get("room_base_id", 1)),
        }  # fmt: skip

    def found(self, body: dict, now: int) -> dict:
        """Staff make a group: `name`, `owner`."""
        name = f"wrsim{self.store.next_number('chat'):06d}"
        self._make(name, body["name"], body["owner"], now)
        return {"chat_id": name}

    def join(self, body: dict, now: int) -> dict:
        """A customer comes in: by the code `state`, or into `chat_id` by `scene` 1 (invited by `invitor`), 2 link, 3 QR."""
        chat_id = body.get("chat_id") or self._behind(body["state"], now)
        chat = self._chat(chat_id)
        members = list(_now(chat)["members"])
        external = body["person"] if body["person"].startswith("wm") else f"wmsim{body['person']}"
        if len(members) >= self.store.limits["group_size"]:
            raise BadRequest("the group is full")
        if all(member["userid"] != external for member in members):
            entry = {
                "userid": external, "type": 2, "unionid": unionid(external.removeprefix("wmsim")), "join_time": now // 1000,
                "join_scene": int(body.get("scene", 3)), "name": external.removeprefix("wmsim"), "group_nickname": "",
                "state": body.get("state", ""),
            }  # fmt: skip
            if body.get("invitor"):
                entry["invitor"] = {"userid": body["invitor"]}
            self._change(chat_id, chat, [*members, entry], now)
            self._told(chat_id, "add_member", now, JoinScene=entry["join_scene"])
        return {"chat_id": chat_id, "external_userid": external}

    def part(self, body: dict, now: int) -> dict:
        """A customer goes: `scene` 0 by themselves, 1 taken out."""
        chat = self._chat(body["chat_id"])
        kept = [m for m in _now(chat)["members"] if m["userid"] != body["external_userid"]]
        self._change(body["chat_id"], chat, kept, now)
        self._told(body["chat_id"], "del_member", now, QuitScene=int(body.get("scene", 0)))
        return {}

    def dismiss(self, body: dict, now: int) -> dict:
        self.store.put("chat", body["chat_id"], self._chat(body["chat_id"]) | {"is_gone": True})
        self.tell("change_external_chat", "dismiss", now, ChatId=body["chat_id"])
        return {}

    def _behind(self, state: str, now: int) -> str:
        """Where a code leads: the first group of its list that has room; all full: a further one, if it may be made."""
        found = [(name, doc) for name, doc in self.store.page("join") if doc["state"] == state]
        if not found:
            raise BadRequest("no code has this state")
        name, way = found[0]
        chats = [(chat, self.store.get("chat", chat)) for chat in way["chat_id_list"]]
        for chat, doc in chats:
            if doc and not doc["is_gone"] and len(_now(doc)["members"]) < self.store.limits["group_size"]:
                return chat
        if not way["auto_create_room"] or not way["room_base_name"]:
            raise BadRequest("all groups behind this code are full")
        fresh = f"wrsim{self.store.next_number('chat'):06d}"
        owner = next((doc["owner"] for _, doc in chats if doc), "")
        self._make(fresh, f"{way['room_base_name']}{way['room_base_id']}", owner, now)
        listed = [*way["chat_id_list"], fresh][-self.store.limits["way_chats"] :]
        self.store.put("join", name, way | {"chat_id_list": listed, "room_base_id": way["room_base_id"] + 1})
        return fresh

    def _make(self, chat_id: str, name: str, owner: str, now: int) -> None:
        entry = {
            "userid": owner,
            "type": 1,
            "join_time": now // 1000,
            "join_scene": 1,
            "name": owner,
            "group_nickname": "",
        }
        states = [{"from": now, "version": 1, "members": [entry]}]
        doc = {"name": name, "owner": owner, "at": now, "is_gone": False, "states": states}
        self.store.put("chat", chat_id, doc)
        self.tell("change_external_chat", "create", now, ChatId=chat_id)

    def _change(self, chat_id: str, chat: Doc, members: list[Doc], now: int) -> None:
        last, delay = chat["states"][-1], self.store.limits["chat_delay_ms"]
        fresh = {"from": now + delay, "version": last["version"] + 1, "members": members}
        self.store.put("chat", chat_id, chat | {"states": [*chat["states"][-3:], fresh] if delay else [fresh]})

    def _told(self, chat_id: str, detail: str, now: int, **scene: int) -> None:
        version = _now(self._chat(chat_id))["version"]
        told: dict[str, Any] = {"ChatId": chat_id, "UpdateDetail": detail, "MemChangeCnt": 1, **scene}
        told |= {"LastMemVer": str(version - 1), "CurMemVer": str(version)}
        self.tell("change_external_chat", "update", now, **told)

    def _works(self, userid: str) -> bool:
        return (self.store.get("staff", userid) or {"works": False})["works"]

    def _chat(self, chat_id: str) -> Doc:
        chat = self.store.get("chat", chat_id)
        if chat is None or chat["is_gone"]:
            raise BadRequest("no such group")
        return chat


def _now(chat: Doc) -> Doc:
    """The newest state, whether or not groupchat/get shows it already."""
    return {"name": chat["name"], "owner": chat["owner"], "is_gone": chat["is_gone"], **chat["states"][-1]}
