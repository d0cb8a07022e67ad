"""What the SMS platform accepts and what it refuses: pure functions, no storage, no clock of their own.

The rules follow the published behaviour of the large Chinese SMS platforms; the numbers in `LIMITS` are data that
`POST /control/limits` changes while the simulator runs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

LOCAL_HOURS = 8  # China has one zone and no summer time, and a bare machine may lack tzdata
OPT_OUT = "拒收请回复R"
OPT_OUT_REPLIES = frozenset({"R", "T", "TD", "N", "退订", "拒收"})
KINDS = {"promo": "marketing", "notice": "transactional", "otp": "transactional", "voice": "voice"}
CODES = frozenset({"otp", "voice"})  # kinds of templates whose limits count sent and spoken codes alike

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000  # milliseconds, the unit of every time in the simulator

LIMITS = {
    "batch_size": 100,
    "content_length": 500,  # characters, signature included
    "repeat_seconds": 30,  # the same content to the same number once in this time
    "template_per_day": 50,  # notice and promo: per number and template
    "otp_per_minute": 1,
    "otp_per_hour": 5,
    "otp_per_day": 10,
    "otp_per_day_all": 40,  # per number over all templates
    "marketing_from_hour": 8,
    "marketing_until_hour": 22,
}

# A tester's numbers: what the platform says of them, whatever they are sent.
MAGIC_NUMBERS = {
    "+8617000009001": ("NOT_APPROVED", "a number that nothing can be sent to"),
    "+8617000009002": ("BLACKLIST", "this number has opted out"),
}

_NUMBER = re.compile(r"\+861[3-9][0-9]{9}")
_KEY = re.compile(r"[A-Za-z0-9:_./|-]{1,160}")
_UNSPEAKABLE = re.compile(r"[【】]|://|\d{2}")
_PLACEHOLDER = re.compile(r"\$?\{\{?[^{}]*\}?\}")
_SENSITIVE = re.compile("赌博|博彩|发票代开|代开发票|裸聊|高利贷|枪支|毒品|六合彩|刷单返利")


class Message(NamedTuple):
    """One message of a request. `phone` and `content` are the keyed hashes of number and text."""

    key: str
    to: str
    text: str
    kind: str
    template: str
    phone: int
    content: int


class Past(NamedTuple):
    """One earlier delivery to the same number within the last 24 hours."""

    at: int
    template: str
    content: int


class Template:
    """A registered text: its fixed parts must occur in this order; `{…}`, `{{…}}` and `${…}` stand for anything."""

    def __init__(self, *, name: str, kind: str, text: str) -> None:
        if kind not in KINDS:
            raise ValueError("template kind must be promo, notice, otp or voice")
        self.name, self.kind, self.text = name, kind, text
        self._parts = _PLACEHOLDER.split(text.removesuffix(OPT_OUT).removesuffix("，"))
        if len("".join(self._parts).strip()) < 2:
            raise ValueError("a template needs fixed words")

    def fits(self, body: str) -> bool:
        """Leftmost matching of the fixed parts, which is complete for wildcards and linear in the text."""
        first, *middle = self._parts
        if not middle:
            return body == first
        last = middle.pop()
        if not (body.startswith(first) and body.endswith(last)):
            return False
        at, end = len(first), len(body) - len(last)
        for part in middle:
            at = body.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return at <= end


@dataclass(frozen=True, slots=True)
class Registered:
    """What the platform has approved, and who has opted out."""

    signatures: frozenset[str]
    templates: dict[str, Template]
    opted_out: frozenset[int] | set[int]
    limits: dict[str, int]


def refusal(message: Message, *, past: Sequence[Past], known: Registered, now: int) -> tuple[str, str] | None:
    """The platform's code and its words for a message it will not take, or None. Words never repeat the number."""
    return (
        _refuse_form(message, known=known)
        or MAGIC_NUMBERS.get(message.to)
        or _refuse_marketing(message, known=known, now=now)
        or (("BLACKLIST", "this number has opted out") if message.phone in known.opted_out else None)
        or (_refuse_frequency(message, past=past, known=known, now=now) if past else None)
    )


def _refuse_form(message: Message, *, known: Registered) -> tuple[str, str] | None:
    if not _KEY.fullmatch(message.key):
        return "KEY_INVALID", "1 to 160 of A-Z a-z 0-9 : _ . / | -"
    if not _NUMBER.fullmatch(message.to):
        return "NUMBER_INVALID", "not a mobile number of +86"
    if refused := _refuse_opening(message, known=known):
        return refused
    if len(message.text) > known.limits["content_length"]:
        return "CONTENT_TOO_LONG", f"at most {known.limits['content_length']} characters"
    template = known.templates.get(message.template)
    if template is None or KINDS[template.kind] != message.kind:
        return "TEMPLATE_UNAPPROVED", "no such template for this kind of message"
    body = message.text if message.kind == "voice" else message.text.partition("】")[2]
    if message.kind == "marketing":
        if not body.endswith(OPT_OUT):
            return "OPT_OUT_MISSING", f"marketing must end with {OPT_OUT}"
        body = body.removesuffix(OPT_OUT)
    if not template.fits(body.removesuffix("，")) and not template.fits(body):
        return "TEMPLATE_MISMATCH", "the text differs from the fixed words of its template"
    if _SENSITIVE.search(body):
        return "SENSITIVE_WORD", "the text holds a word that carriers block"
    return None


def _refuse_opening(message: Message, *, known: Registered) -> tuple[str, str] | None:
    if message.kind == "voice":
        unfit = _UNSPEAKABLE.search(message.text)
        return (
            ("NOT_SPEAKABLE", "a call reads the text out: no 【signature】, no link, digits one by one")
            if unfit
            else None
        )
    signature, mark, _ = message.text.partition("】")
    if not (mark and signature.startswith("【") and signature[1:] in known.signatures):
        return "SIGNATURE_UNAPPROVED", "the text must start with a registered 【signature】"
    return None


def _refuse_marketing(message: Message, *, known: Registered, now: int) -> tuple[str, str] | None:
    if message.kind != "marketing":
        return None
    hour = (now // HOUR + LOCAL_HOURS) % 24
    start, end = known.limits["marketing_from_hour"], known.limits["marketing_until_hour"]
    if start <= hour < end:
        return None
    return "NIGHT_BLOCKED", f"marketing goes out from {start}:00 to {end}:00"


def _refuse_frequency(message: Message, *, past: Sequence[Past], known: Registered, now: int) -> tuple[str, str] | None:
    limits = known.limits
    repeat_from = now - limits["repeat_seconds"] * 1000
    if any(p.content == message.content and p.at > repeat_from for p in past):
        return "REPEATED", f"the same content went to this number within {limits['repeat_seconds']} s"
    same = [p.at for p in past if p.template == message.template]
    if known.templates[message.template].kind not in CODES:
        if len(same) >= limits["template_per_day"]:
            return "DAY_LIMIT", f"{limits['template_per_day']} a day per number and template"
        return None
    codes = sum(1 for p in past if p.template in known.templates and known.templates[p.template].kind in CODES)
    windows = (("otp_per_minute", MINUTE), ("otp_per_hour", HOUR), ("otp_per_day", DAY))
    for name, span in windows:
        if sum(1 for at in same if at > now - span) >= limits[name]:
            return "OTP_LIMIT", f"{limits[name]} {name.removeprefix('otp_').replace('_', ' ')}"
    if codes >= limits["otp_per_day_all"]:
        return "OTP_LIMIT", f"{limits['otp_per_day_all']} codes a day per number"
    return None
