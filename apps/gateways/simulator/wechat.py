"""The WeChat mini-program's endpoints, and the control calls by which a tester plays the customer's phone."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

from apps.gateways.simulator import wechat_rules as rules
from apps.gateways.simulator.replies import BadRequest, Reply, as_json, iso, parse, whole
from apps.gateways.simulator.wechat_rules import App, Refused, Token
from apps.gateways.simulator.wechat_store import WechatStore

PREFIXES = ("/sns/", "/cgi-bin/", "/wxa/", "/wechat/", "/control/wechat/")


class Wechat:
    """Judges one call at a time. The vendor's calls answer HTTP 200 whatever happens; control calls do not."""

    def __init__(self, folder: Path) -> None:
        self.store = WechatStore(folder)
        self._vendor: dict[str, tuple[str, Callable[[dict, dict, int], dict]]] = {
            "/sns/jscode2session": ("GET", self.jscode2session),
            "/cgi-bin/stable_token": ("POST", self.stable_token),
            "/cgi-bin/ticket/getticket": ("GET", self.getticket),
            "/wxa/business/getuserphonenumber": ("POST", self.getuserphonenumber),
            "/cgi-bin/message/subscribe/send": ("POST", self.send),
            "/wxa/msg_sec_check": ("POST", self.msg_sec_check),
        }
        self._control: dict[tuple[str, str], Callable[[dict, int], dict]] = {
            ("POST", "/control/wechat/apps"): self.register,
            ("POST", "/control/wechat/js_codes"): self.mint_js_code,
            ("POST", "/control/wechat/phone_codes"): self.mint_phone_code,
            ("POST", "/control/wechat/grants"): self.grant,
            ("POST", "/control/wechat/limits"): self.set_limits,
            ("POST", "/control/wechat/end_tokens"): self.end_tokens,
            ("GET", "/wechat/messages"): self.messages,
            ("GET", "/wechat/stats"): lambda _body, _now: {"calls": self.store.totals()},
            ("GET", "/wechat/credits"): self.credits,
        }

    def answer(self, *, method: str, path: str, query: str, body: bytes, now: int) -> Reply:
        given = {name: values[0] for name, values in parse_qs(query).items()}
        if path in self._vendor:
            return self._vendor_reply(method, path, given, body, now)
        control = self._control.get((method, path))
        if control is None:
            return as_json(404, {"error": "no such endpoint"})
        return as_json(200, control(parse(body) if method == "POST" else given, now))

    def _vendor_reply(self, method: str, path: str, query: dict, body: bytes, now: int) -> Reply:
        wanted, act = self._vendor[path]
        try:
            if wanted == "POST" and method != "POST":
                raise Refused(43002)
            content = act(query, _posted(body) if wanted == "POST" else {}, now)
        except Refused as refused:
            words = f"{rules.WORDS[refused.code]} {refused.detail}".strip()
            content = {"errcode": refused.code, "errmsg": f"{words}, rid: sim-{secrets.token_hex(6)}"}
        self.store.count(path.rpartition("/")[2], content.get("errcode", 0))
        reply = as_json(200, content)
        if path == "/sns/jscode2session":
            reply.content_type = "text/plain"
        return reply

    def jscode2session(self, query: dict, _body: dict, now: int) -> dict:
        app = self._app(query)
        code = query.get("js_code", "")
        if not code:
            raise Refused(41008)
        if query.get("grant_type") != "authorization_code":
            raise Refused(40002)
        openid, unionid = self._person(code, app=app, now=now)
        if openid.split("_")[0][1:] in rules.MAGIC_LOGINS:
            raise Refused(rules.MAGIC_LOGINS[openid.split("_")[0][1:]])
        recent = self.store.logins_since(openid, since=now - rules.MINUTE, now=now)
        if recent >= self.store.limits["logins_per_minute"]:
            raise Refused(45011)
        self.store.spend(code)
        self.store.log_in(openid, app_id=app.app_id, now=now)
        session = {"session_key": secrets.token_urlsafe(18), "openid": openid}
        return session | ({"unionid": unionid} if unionid and app.is_bound else {})

    def _person(self, code: str, *, app: App, now: int) -> tuple[str, str]:
        """(open id, union id). A tester's own code comes into being when it is first seen."""
        made = rules.SELF_MADE.fullmatch(code)
        if made and not self.store.is_known(code):
            person = [rules.openid(app_id=app.app_id, person=made[1]), rules.unionid(made[1])]
            end = now + rules.CODE_LIVES
            self.store.mint(code, kind="js", app_id=app.app_id, person=json.dumps(person), expires_at=end)
        found = self.store.person_of(code, kind="js", app_id=app.app_id, now=now)
        if found is None:
            raise Refused(40029)
        openid, unionid = json.loads(found)
        return openid, unionid

    def stable_token(self, _query: dict, body: dict, now: int) -> dict:
        if body.get("grant_type") != "client_credential":
            raise Refused(40002)
        app = self._app(body)
        current = self.store.current_token(app.app_id)
        if body.get("force_refresh") is True:
            self._allow_forced(app.app_id, now=now)
            return self._issued(app.app_id, now=now, ends_the_old=True)
        if current is None or current.expires_at - now <= rules.OVERLAP:
            return self._issued(app.app_id, now=now, ends_the_old=False)
        return {"access_token": current.text, "expires_in": (current.expires_at - now) // rules.SECOND}

    def _allow_forced(self, app_id: str, *, now: int) -> None:
        past = self.store.forced(app_id)
        if past and now - past[-1] < rules.FORCED_GAP:
            raise Refused(45011)
        if sum(1 for at in past if at > now - rules.DAY) >= self.store.limits["forced_per_day"]:
            raise Refused(45009)
        self.store.note_forced(app_id, now=now)

    def _issued(self, app_id: str, *, now: int, ends_the_old: bool) -> dict:
        token = Token(f"sim_{secrets.token_urlsafe(96)}", now + rules.TOKEN_LIVES)
        self.store.issue(token, app_id=app_id, ends_the_old=ends_the_old)
        return {"access_token": token.text, "expires_in": rules.TOKEN_LIVES // rules.SECOND}

    def getticket(self, query: dict, _body: dict, now: int) -> dict:
        """One ticket per app, for as long as it is asked for: what its end does is the caller's to hold."""
        app = self._token_app(query, now=now)
        if query.get("type") != "jsapi":
            raise Refused(40097)
        return {"errcode": 0, "errmsg": "ok", "ticket": rules.page_ticket(app.app_id), "expires_in": 7_200}

    def getuserphonenumber(self, query: dict, body: dict, now: int) -> dict:
        app = self._token_app(query, now=now)
        code = body.get("code")
        if not isinstance(code, str) or not code:
            raise Refused(40097)
        made = rules.SELF_MADE_PHONE.fullmatch(code)
        if made and not self.store.is_known(code):
            self._mint_phone(code, app_id=app.app_id, phone=made[1], now=now)
        found = self.store.person_of(code, kind="phone", app_id=app.app_id, now=now)
        phone = self.store.phones.get(code)
        if found is None or phone is None:
            raise Refused(40029)
        self.store.spend(code)
        del self.store.phones[code]
        country, pure = ("86", phone) if len(phone) == 11 else (phone[1:-11], phone[-11:])
        info = {"phoneNumber": pure if country == "86" else f"+{country}{pure}", "purePhoneNumber": pure}
        info |= {"countryCode": country, "watermark": {"timestamp": now // rules.SECOND, "appid": app.app_id}}  # type: ignore[dict-item]
        return {"errcode": 0, "errmsg": "ok", "phone_info": info}

    def send(self, query: dict, body: dict, now: int) -> dict:
        app = self._token_app(query, now=now)
        openid, template = body.get("touser"), body.get("template_id")
        if not isinstance(openid, str) or not self.store.knows(openid, app_id=app.app_id):
            raise Refused(40003)
        if not isinstance(template, str) or template not in app.templates:
            raise Refused(40037)
        page = str(body.get("page", ""))
        rules.check_page(page)
        if (
            body.get("miniprogram_state", "formal") not in rules.STATES
            or body.get("lang", "zh_CN") not in rules.LANGUAGES
        ):
            raise Refused(40097)
        values = rules.check_data(body.get("data"), fields=app.templates[template])
        credits = self.store.credits(app_id=app.app_id, openid=openid, template=template)
        if credits < 1 or openid.startswith(rules.REFUSES):
            raise Refused(43101)
        self.store.send(app_id=app.app_id, openid=openid, template=template, page=page, data=values, at=now)
        return {"errcode": 0, "errmsg": "ok"}

    def msg_sec_check(self, query: dict, body: dict, now: int) -> dict:
        app = self._token_app(query, now=now)
        openid, text = body.get("openid"), body.get("content")
        if body.get("version") != 2:
            raise Refused(40097)
        if body.get("scene") not in rules.SCENES:
            raise Refused(40129)
        if not isinstance(text, str) or not text:
            raise Refused(44002)
        if len(text) > rules.LONGEST_CONTENT:
            raise Refused(45002)
        if not isinstance(openid, str) or not self.store.knows(openid, app_id=app.app_id):
            raise Refused(43104 if isinstance(openid, str) and self.store.is_anybody(openid) else 40003)
        if not self.store.logins_since(openid, since=now - rules.VISITED_WITHIN, now=now):
            raise Refused(61010)
        suggest, label = rules.judged(text)
        found = {"suggest": suggest, "label": label}
        detail = [{"strategy": "content_model", "errcode": 0, "prob": 90, **found}]
        return {"errcode": 0, "errmsg": "ok", "result": found, "detail": detail, "trace_id": secrets.token_hex(8)}

    def _app(self, given: dict) -> App:
        if not given.get("appid"):
            raise Refused(41002)
        if not given.get("secret"):
            raise Refused(41004)
        app = self.store.app(str(given["appid"]))
        if app is None:
            raise Refused(40013)
        if not secrets.compare_digest(str(given["secret"]).encode(), app.secret.encode()):
            raise Refused(40125)
        return app

    def _token_app(self, query: dict, *, now: int) -> App:
        if not query.get("access_token"):
            raise Refused(41001)
        token = self.store.token(query["access_token"])
        app = self.store.app(token[0]) if token else None
        if token is None or app is None:
            raise Refused(40001)
        if token[1] <= now:
            raise Refused(42001)
        return app

    def register(self, content: dict, _now: int) -> dict:
        """Make or change an app: `app_id`, and any of `secret`, `is_bound`, `templates` {id: [fields]} (added)."""
        old = self.store.app(_text(content, "app_id")) or App(content["app_id"], "", False, {})
        templates = content.get("templates", {})
        if not isinstance(templates, dict) or not all(isinstance(fields, list) for fields in templates.values()):
            raise BadRequest("templates must be an object of lists of fields")
        added = {name: tuple(str(field) for field in fields) for name, fields in templates.items()}
        secret, is_bound = content.get("secret", old.secret), content.get("is_bound", old.is_bound)
        self.store.put_app(App(old.app_id, str(secret), bool(is_bound), old.templates | added))
        return {"app_id": old.app_id, "templates": sorted(old.templates | added)}

    def mint_js_code(self, content: dict, now: int) -> dict:
        """`wx.login` on the phone of `openid` (with `unionid`, if it has one), or of an invented `person`."""
        app_id, person = _text(content, "app_id"), content.get("person")
        who = (
            [rules.openid(app_id=app_id, person=str(person)), rules.unionid(str(person))]
            if person
            else [_text(content, "openid"), str(content.get("unionid", ""))]
        )
        code = f"0a1{secrets.token_hex(14)}"
        end = now + rules.CODE_LIVES
        self.store.mint(code, kind="js", app_id=app_id, person=json.dumps(who), expires_at=end)
        return {"js_code": code, "openid": who[0], "unionid": who[1]}

    def mint_phone_code(self, content: dict, now: int) -> dict:
        """The customer tapped the `getPhoneNumber` button: 11 digits, or + country and 11 digits."""
        code = secrets.token_hex(32)
        self._mint_phone(code, app_id=_text(content, "app_id"), phone=_text(content, "phone"), now=now)
        return {"code": code}

    def _mint_phone(self, code: str, *, app_id: str, phone: str, now: int) -> None:
        self.store.mint(code, kind="phone", app_id=app_id, person="", expires_at=now + rules.CODE_LIVES)
        self.store.phones[code] = phone

    def grant(self, content: dict, _now: int) -> dict:
        """The customer accepts (`credits` times, 1 if absent); a negative number takes credits back unheard."""
        key = {name: _text(content, name) for name in ("app_id", "openid")}
        template = _text(content, "template_id")
        self.store.grant(**key, template=template, credits=int(content.get("credits", 1)))
        return {"credits": self.store.credits(**key, template=template)}

    def credits(self, content: dict, _now: int) -> dict:
        key = {name: _text(content, name) for name in ("app_id", "openid")}
        return {"credits": self.store.credits(**key, template=_text(content, "template_id"))}

    def set_limits(self, content: dict, _now: int) -> dict:
        for name, value in content.items():
            if name not in rules.LIMITS or type(value) is not int or value < 0:
                raise BadRequest(f"limits are {', '.join(rules.LIMITS)}, whole numbers")
        self.store.set_limits(content)
        return dict(self.store.limits)

    def end_tokens(self, content: dict, _now: int) -> dict:
        self.store.end_tokens(_text(content, "app_id"))
        return {}

    def messages(self, content: dict, _now: int) -> dict:
        """Delivered subscribe messages after a running number: the oldest first, or with `newest=1` the newest."""
        rows = self.store.messages(
            after=whole(content, "after", 0),
            limit=whole(content, "limit", 100),
            openid=content.get("openid", ""),
            newest=content.get("newest") == "1",
        )
        names = ("number", "app_id", "openid", "template_id", "page")
        return {
            "messages": [
                dict(zip(names, row[:5], strict=True)) | {"data": json.loads(row[5]), "at": iso(row[6])} for row in rows
            ]
        }


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


def _text(content: dict, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} must be a text")
    return value
