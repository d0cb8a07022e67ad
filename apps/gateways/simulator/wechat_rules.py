"""What the WeChat mini-program platform accepts and refuses: pure functions, no storage, no clock of their own.

After the vendor's pages for code2Session, stable_token, getPhoneNumber and subscribeMessage.send. Times in milliseconds.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

SECOND, MINUTE, DAY = 1_000, 60_000, 86_400_000

CODE_LIVES = 5 * MINUTE
TOKEN_LIVES = 7_200 * SECOND
OVERLAP = 5 * MINUTE  # a token is renewed this much before its end; both are valid meanwhile
FORCED_GAP = 30 * SECOND

LIMITS = {
    "logins_per_minute": 100,  # jscode2session, per user
    "forced_per_day": 20,  # stable_token with force_refresh
}

WORDS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40029: "invalid code",
    40037: "invalid template_id",
    40097: "invalid args",
    40129: "invalid scene",
    40125: "invalid appsecret",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    43104: "appid not match",
    44002: "empty post data",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    47003: "argument invalid!",
    61010: "code is expired",
}

# A tester's own codes: `sim.<person>.<anything>` logs that invented person in, once; the person decides what happens.
SELF_MADE = re.compile(r"sim\.([a-z0-9]{1,12})\.[A-Za-z0-9_-]{1,60}")
SELF_MADE_PHONE = re.compile(r"sim\.(\+?[0-9]{11,14})\.[A-Za-z0-9_-]{1,60}")
MAGIC_LOGINS = {"blocked": 40226, "busy": -1, "toooften": 45011}
REFUSES = "orefuses_"  # openids of the person `refuses`: has switched the messages off, whatever was accepted before

# msg_sec_check 2.0: what it finds in a text, by what stands in it; the first is the vendor's own text for trying out.
FINDS = {"特3456书yuuo莞6543李zxcz蒜7782法fgnv级": ("risky", 20001), "加微信返现": ("review", 10001)}
PASS = ("pass", 100)
SCENES = frozenset({1, 2, 3, 4})  # profile, comment, forum, social log
LONGEST_CONTENT = 2_500
VISITED_WITHIN = 120 * MINUTE

STATES = frozenset({"developer", "trial", "formal"})
LANGUAGES = frozenset({"zh_CN", "en_US", "zh_HK", "zh_TW"})
_PAGE = re.compile(r"[A-Za-z0-9_\-]+(/[A-Za-z0-9_\-]+)*(\?[^\s]*)?")
_FIELD = re.compile(r"([a-z_]+)[0-9]{1,3}")
_VALUES = {
    "thing": re.compile(r".{1,20}"),
    "number": re.compile(r"(?=.{1,32}$)[0-9]+(\.[0-9]+)?"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "time": re.compile(r"([0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日 ?)?[0-2]?[0-9]:[0-5][0-9]"),
    "date": re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日( ?[0-2]?[0-9]:[0-5][0-9])?"),
    "amount": re.compile(r"[¥￥$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phone_number": re.compile(r"[0-9+\-() ]{1,17}"),
    "name": re.compile(r"[\u4e00-\u9fff·]{1,10}|[A-Za-z .]{1,20}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
}


class App(NamedTuple):
    """A mini-program. Only one that is bound to an open-platform account learns union ids."""

    app_id: str
    secret: str
    is_bound: bool
    templates: dict[str, tuple[str, ...]]


DEMO_APP = App(
    app_id="wx5170000000000001",
    secret="simulator-only-secret",  # noqa: S106 - opens nothing but this simulator
    is_bound=True,
    templates={
        "sim-live-reminder": ("thing1", "time2", "thing3"),
        "sim-order-ready": ("character_string1", "thing2", "thing3"),
        "sim-coupon-expiring": ("thing1", "amount2", "date3"),
        "sim-ticket-reply": ("character_string1", "thing2", "phrase3"),
    },
)


class Refused(Exception):
    """The platform's error code, and what it adds to its words."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    expires_at: int


def openid(*, app_id: str, person: str) -> str:
    """28 characters, another one in every app, with the invented person legible in it."""
    return f"o{person}_{sha256(f'{app_id}:{person}'.encode()).hexdigest()}"[:28]


def unionid(person: str) -> str:
    """The same in every app that is bound."""
    return f"u{person}_{sha256(person.encode()).hexdigest()}"[:28]


def page_ticket(app_id: str) -> str:
    """What a page inside WeChat signs with (`jsapi_ticket`)."""
    return f"sim_{sha256(f'ticket:{app_id}'.encode()).hexdigest()}"


def judged(text: str) -> tuple[str, int]:
    """What the platform suggests about a text, and the label of what it found."""
    return next((found for words, found in FINDS.items() if words in text), PASS)


def check_page(page: str) -> None:
    if page and not _PAGE.fullmatch(page):
        raise Refused(41030)


def check_data(data: object, *, fields: tuple[str, ...]) -> dict[str, str]:
    """The values by field. Raises Refused 47003 at the first that is absent, strange to the template or unfit."""
    if not isinstance(data, dict):
        raise Refused(47003, "data invalid")
    values = {}
    for name in fields:
        entry = data.get(name)
        value = entry.get("value") if isinstance(entry, dict) else None
        kind = _FIELD.fullmatch(name)
        rule = _VALUES.get(kind[1]) if kind else None
        if not isinstance(value, str) or not value.strip():
            raise Refused(47003, f"data.{name}.value is empty")
        if rule is None or not rule.fullmatch(value):
            raise Refused(47003, f"data.{name}.value invalid")
        values[name] = value
    if strange := sorted(data.keys() - set(fields)):
        raise Refused(47003, f"data.{strange[0]} is not in the template")
    return values
