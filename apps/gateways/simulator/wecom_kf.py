"""WeCom's service window: customers write to a service account, the house pulls it by cursor and answers within what WeCom allows.

After the vendor's pages for 微信客服 (path 94670 ff.). 48 hours from the customer's last words, five answers to them; a callback only
says that there is something, with a token of ten minutes. Codes and the limit of calls without a token are from memory [M].
"""

import base64
import re
import secrets
from collections.abc import Callable
from typing import Any

from apps.gateways.simulator import wecom_rules as rules
from apps.gateways.simulator.replies import BadRequest
from apps.gateways.simulator.wechat_rules import unionid
from apps.gateways.simulator.wecom_people import People, external_of
from apps.gateways.simulator.wecom_rules import Refused
from apps.gateways.simulator.wecom_store import Doc, WecomStore

ACCOUNT = "wksimservice"
CUSTOMER, SYSTEM = 3, 4  # `origin`
TOKEN_LIVES = 10 * rules.MINUTE
PULL_WITHIN = 3 * rules.DAY  # without a cursor
MEDIA_LIVES = 3 * rules.DAY
_NUMBER = re.compile(r"[0-9a-zA-Z_-]{1,32}")
_OPEN_STATES = (0, 1)  # new, and with the house's own machine; with staff in the client nothing may be sent by the API


class Kf:
    """Documents: kf_account, kf_talk (one customer of one account), kf_message, kf_token, media."""

    def __init__(self, store: WecomStore, people: People) -> None:
        self.store, self.people = store, people
        if store.get("kf_account", ACCOUNT) is None:
            store.put("kf_account", ACCOUNT, {"name": "服务台"})
        self.calls: dict[str, Callable[[dict, dict, int], dict]] = {
            "kf/sync_msg": self.sync,
            "kf/send_msg": self.send,
            "kf/customer/batchget": self.batch,
        }
        self.controls: dict[str, Callable[[dict, int], dict]] = {
            "/control/wecom/kf_say": self.say,
            "/control/wecom/kf_fail": self.fail,
            "/control/wecom/kf_state": self.set_state,
            "/wecom/kf": lambda _b, _n: {
                "sent": sorted((doc for _, doc in store.page("kf_sent")), key=lambda doc: doc["place"])
            },
        }

    def say(self, body: dict, now: int) -> dict:
        """`person` writes `text`, or sends `image` (base64), to the account; it is called back."""
        account, external = str(body.get("open_kfid") or ACCOUNT), external_of(str(body["person"]))
        if self.store.get("kf_account", account) is None:
            raise BadRequest("no such account")
        name = str(body["person"])
        talk = self.store.get("kf_talk", f"{account}|{external}") or {"name": name, "state": 0}
        self.store.put("kf_talk", f"{account}|{external}", talk | {"at": now, "answers": 0})
        if body.get("image"):
            media = f"MEDIA{secrets.token_hex(8)}"
            self.store.put("media", media, {"content": body["image"], "at": now})
            said: Doc = {"msgtype": "image", "image": {"media_id": media}}
        else:
            said = {"msgtype": "text", "text": {"content": str(body["text"])}}
        return self._put(account, said | {"external_userid": external, "origin": CUSTOMER}, now)

    def fail(self, body: dict, now: int) -> dict:
        """What was accepted did not reach the customer after all."""
        sent = self.store.get("kf_sent", str(body["msgid"]))
        if sent is None:
            raise BadRequest("no such message")
        event = {
            "event_type": "msg_send_fail", "external_userid": sent["touser"], "fail_msgid": body["msgid"],
            "fail_type": int(body.get("fail_type", 0)),
        }  # fmt: skip
        return self._put(sent["open_kfid"], {"msgtype": "event", "origin": SYSTEM, "event": event}, now)

    def set_state(self, body: dict, _now: int) -> dict:
        """0 new, 1 with the house's machine, 3 with staff in the client, 4 over."""
        key = f"{body.get('open_kfid') or ACCOUNT}|{external_of(str(body['person']))}"
        talk = self.store.get("kf_talk", key)
        if talk is None:
            raise BadRequest("they never wrote")
        self.store.put("kf_talk", key, talk | {"state": int(body["state"])})
        return {}

    def sync(self, _query: dict, body: dict, now: int) -> dict:
        account = str(body.get("open_kfid", ""))
        if self.store.get("kf_account", account) is None:
            raise Refused(95004)
        self._admit(body, now)
        limit, after = body.get("limit", 1000), str(body.get("cursor") or "")
        if type(limit) is not int or not 1 <= limit <= 1000 or (after and not re.fullmatch(r"cur[0-9]{12}", after)):
            raise Refused(40058)
        start = f"{account}|{after.removeprefix('cur')}" if after else ""
        found = self.store.page("kf_message", prefix=f"{account}|", after=start, limit=limit + 1)
        rows = [(name, doc) for name, doc in found[:limit] if after or doc["send_time"] * 1000 > now - PULL_WITHIN]
        last = f"cur{found[:limit][-1][0].rpartition('|')[2]}" if found else after
        return {"next_cursor": last, "has_more": int(len(found) > limit), "msg_list": [doc for _, doc in rows]}

    def send(self, _query: dict, body: dict, now: int) -> dict:
        number, text = body.get("msgid") or secrets.token_hex(16), (body.get("text") or {}).get("content")
        if body.get("msgtype") != "text":
            raise Refused(40008)
        if not isinstance(text, str) or not 0 < len(text.encode()) <= 2048 or not _NUMBER.fullmatch(str(number)):
            raise Refused(40058)
        if self.store.get("kf_account", str(body.get("open_kfid"))) is None:
            raise Refused(95004)
        key = f"{body['open_kfid']}|{body.get('touser')}"
        talk = self.store.get("kf_talk", key)
        if talk is None:
            raise Refused(40096)
        if now - talk["at"] > self.store.limits["kf_window_ms"]:
            raise Refused(95002)
        if talk["answers"] >= self.store.limits["kf_answers"]:
            raise Refused(95001)
        if talk["state"] not in _OPEN_STATES:
            raise Refused(95018)
        if self.store.get("kf_sent", str(number)) is not None:
            raise Refused(40058)
        self.store.put("kf_talk", key, talk | {"answers": talk["answers"] + 1})
        doc = {"msgid": number, "touser": body["touser"], "open_kfid": body["open_kfid"], "text": text, "at": now}
        doc["place"] = self.store.next_number("kf_sent")
        self.store.put("kf_sent", str(number), doc)
        return {"msgid": number}

    def batch(self, _query: dict, body: dict, _now: int) -> dict:
        asked = body.get("external_userid_list")
        if not isinstance(asked, list) or not 1 <= len(asked) <= 100:
            raise Refused(40058)
        known = {name.partition("|")[2]: talk["name"] for name, talk in self.store.page("kf_talk")}
        rows = [
            {"external_userid": one, "nickname": known[one], "avatar": "", "gender": 0, "unionid": unionid(known[one])}
            for one in asked if one in known
        ]  # fmt: skip
        return {"customer_list": rows, "invalid_external_userid": [one for one in asked if one not in known]}

    def media(self, query: dict, now: int) -> bytes:
        found = self.store.get("media", query.get("media_id", ""))
        if found is None or now > found["at"] + MEDIA_LIVES:
            raise Refused(40007)
        return base64.b64decode(found["content"])

    def _admit(self, body: dict, now: int) -> None:
        """A token of ours, or a few calls a minute without one."""
        token = body.get("token")
        if token:
            known = self.store.get("kf_token", str(token))
            if known is None or now > known["at"] + TOKEN_LIVES:
                raise Refused(95007)
            return
        minute = f"{now // rules.MINUTE}"
        asked = (self.store.get("kf_blind", minute) or {"calls": 0})["calls"] + 1
        self.store.put("kf_blind", minute, {"calls": asked})
        if asked > self.store.limits["kf_blind_per_minute"]:
            raise Refused(45009)

    def _put(self, account: str, said: Doc, now: int) -> dict[str, Any]:
        number, msgid, token = self.store.next_number("kf"), secrets.token_hex(16), f"ENC{secrets.token_hex(12)}"
        doc = {"msgid": msgid, "open_kfid": account, "send_time": now // 1000} | said
        self.store.put("kf_message", f"{account}|{number:012d}", doc)
        self.store.put("kf_token", token, {"at": now})
        self.people.tell("kf_msg_or_event", "", now, Token=token, OpenKfId=account)
        return {"msgid": msgid}
