"""Talk to a running simulator: what tests, the demo and the console's phone view ask of it."""

import base64
import json
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit


class SimulatorRefused(Exception):
    """The simulator answered something other than 200; the text is its reason."""


class Client:
    """One simulator by its URL. Every call opens its own connection; raises OSError when it is not running."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: dict | None = None, *, at: str = "") -> dict:
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, path, content, {"X-Sim-Now": at} if at else {})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise SimulatorRefused(f"{response.status} {text}")
        return json.loads(text)

    def send(self, messages: list[dict], *, at: str = "") -> list[dict]:
        return self.call("POST", "/sms/send", {"messages": messages}, at=at)["results"]

    def query(self, keys: list[str]) -> dict[str, dict]:
        """The platform's record of each key, with `calls` and `deliveries`."""
        return {result["key"]: result for result in self.call("POST", "/sms/query", {"keys": keys})["results"]}

    def register(self, *, signatures: list[str], templates: list[dict]) -> None:
        self.call("POST", "/sms/templates", {"signatures": signatures, "templates": templates})

    def faults(self, **plan: object) -> None:
        """See `faults.Plan`; no arguments end all faults."""
        self.call("POST", "/control/faults", plan)

    def limits(self, **values: int) -> dict[str, int]:
        """Set these limits and return all of them (`rules.LIMITS`)."""
        return self.call("POST", "/control/limits", values)

    def mode(self, **modes: str) -> None:
        """`keys="off"`: no idempotency, each accepted call is a delivery. `query="off"`: no query interface."""
        self.call("POST", "/control/mode", modes)

    def reset(self) -> None:
        """Forget messages, keys, replies, opt-outs, faults, limits and modes; registrations stay."""
        self.call("POST", "/control/reset", {})

    def stats(self) -> dict:
        """`keys`, `deliveries`, `codes` (messages per code) and `delivered_twice` (key → deliveries)."""
        return self.call("GET", "/sms/stats")

    def messages(
        self, *, after: int = 0, limit: int = 100, tail: str = "", key: str = "", newest: bool = False
    ) -> list[dict]:
        """Deliveries as the phone shows them, after a running number; the oldest first, or the newest."""
        wanted = {"after": after, "limit": limit, "tail": tail, "key": key, "newest": int(newest)}
        return self.call("GET", f"/sms/messages?{urlencode(wanted)}")["messages"]

    def reply(self, text: str, *, key: str = "", tail: str = "", at: str = "") -> dict:
        """A member answers the last message of this key, or the last one to this tail."""
        return self.call("POST", "/sms/inbound", {"key": key, "to_tail": tail, "text": text}, at=at)

    def inbound(self, *, after: int = 0, limit: int = 100) -> list[dict]:
        return self.call("GET", f"/sms/inbound?{urlencode({'after': after, 'limit': limit})}")["replies"]

    def vendors(self, **changes: str) -> None:
        """`reviews_held`, `receipts_held`, `aliyun_broke`, `tencent_broke`: "on", or "" to end it."""
        self.call("POST", "/vendors/settings", changes)

    def review_templates(self) -> None:
        """The vendors' people approve what waits for them."""
        self.call("POST", "/vendors/review", {})

    def callbacks(self, vendor: str) -> dict[str, list[dict]]:
        """`reports` and `replies` as the vendor would post them, all so far."""
        return self.call("GET", f"/vendors/callbacks?vendor={vendor}")

    def mails(self) -> list[dict[str, str]]:
        """What the simulated mail server took: `sender`, `to`, `subject`, `from`, `leave`, `text`."""
        return self.call("GET", "/mail/messages")["messages"]

    def smtp_url(self) -> str:
        return f"smtp+plain://127.0.0.1:{self.call('GET', '/mail/messages')['port']}"

    def mail_report(self, to: str) -> bytes:
        """What comes back about the newest mail there: a bounce, or a complaint from `angry…`."""
        return base64.b64decode(self.call("GET", f"/mail/report?{urlencode({'to': to})}")["raw"])

    def js_code(self, *, app_id: str, at: str = "", **person: str) -> str:
        """`wx.login` on a phone: by `person=` (an invented name) or by `openid=` and, if it has one, `unionid=`."""
        return self.call("POST", "/control/wechat/js_codes", {"app_id": app_id, **person}, at=at)["js_code"]

    def phone_code(self, *, app_id: str, phone: str, at: str = "") -> str:
        """The customer let the mini-program have the number: 11 digits, or + country and 11 digits."""
        return self.call("POST", "/control/wechat/phone_codes", {"app_id": app_id, "phone": phone}, at=at)["code"]

    def grant(self, *, app_id: str, openid: str, template_id: str, credits: int = 1) -> int:
        """The customer accepts so many messages of a template; the credits that now stand."""
        asked = {"app_id": app_id, "openid": openid, "template_id": template_id, "credits": credits}
        return self.call("POST", "/control/wechat/grants", asked)["credits"]

    def credits(self, *, app_id: str, openid: str, template_id: str) -> int:
        asked = {"app_id": app_id, "openid": openid, "template_id": template_id}
        return self.call("GET", f"/wechat/credits?{urlencode(asked)}")["credits"]

    def wechat_app(self, app_id: str, **changes: object) -> None:
        """Make or change an app: `secret`, `is_bound` (learns union ids), `templates` {id: [fields]}."""
        self.call("POST", "/control/wechat/apps", {"app_id": app_id, **changes})

    def wechat_limits(self, **values: int) -> dict[str, int]:
        """Set these limits and return all of them (`wechat_rules.LIMITS`)."""
        return self.call("POST", "/control/wechat/limits", values)

    def end_tokens(self, *, app_id: str) -> None:
        """Every access token of the app stops working, as after another server's forced refresh."""
        self.call("POST", "/control/wechat/end_tokens", {"app_id": app_id})

    def wechat_calls(self) -> dict[str, dict[str, int]]:
        """Call → error code → how often."""
        return self.call("GET", "/wechat/stats")["calls"]

    def wechat_messages(
        self, *, after: int = 0, limit: int = 100, openid: str = "", newest: bool = False
    ) -> list[dict]:
        """Subscribe messages as delivered, after a running number; the oldest first, or the newest."""
        wanted = {"after": after, "limit": limit, "openid": openid, "newest": int(newest)}
        return self.call("GET", f"/wechat/messages?{urlencode(wanted)}")["messages"]

    def wecom(self, what: str, *, at: str = "", **content: object) -> dict:
        """A control call of WeCom's people (`/control/wecom/<what>`): hire, leave, add, edit, drop, join, part, confirm …"""
        return self.call("POST", f"/control/wecom/{what}", content, at=at)

    def wecom_told(self, what: str, *, at: str = "", **query: object) -> dict:
        """What WeCom's simulator knows: staff, ways, welcomes, sends, delivered, chats, stats, callbacks, verify."""
        return self.call("GET", f"/wecom/{what}?{urlencode(query)}", at=at)
