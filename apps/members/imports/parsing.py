"""One staged row → what it says about a member, or the first thing that is wrong with it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.members import attributes, phones, tagging
from apps.members.errors import PhoneInvalid
from apps.members.imports.columns import CONSENTS, LIMITS
from apps.members.models import Attribute, Member, Opening

FIRST_YEAR, OLDEST_YEARS = 1900, 110  # of birthdays
FIRST_JOINING = 1970
_GENDERS = {
    "f": "f", "female": "f", "女": "f", "女性": "f", "m": "m", "male": "m", "男": "m", "男性": "m",
    "unknown": "", "未知": "", "不详": "",
}  # fmt: skip
_YES = {"yes": True, "y": True, "1": True, "true": True, "是": True, "同意": True}
_NO = {"no": False, "n": False, "0": False, "false": False, "否": False, "不同意": False}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?|(\d{4})(\d{2})(\d{2})")
_MONTH_DAY = re.compile(r"(\d{1,2})[-/.月](\d{1,2})日?")
_BETWEEN = re.compile(r"[;；|,，、]")
_COUPON = re.compile(r"(.{1,40}?)\s*[:：×x*]\s*(\d{1,4})")


class Wrong(Exception):
    """`code` of `errors.REASONS`, and the column."""

    def __init__(self, code: str, column: str) -> None:
        super().__init__(code)
        self.code, self.column = code, column


@dataclass(frozen=True)
class House:
    """What rows are checked against, read once per file."""

    stores: Mapping[str, int]
    fields: Mapping[str, Attribute]  # by staging column
    exclusive: Mapping[str, int]  # tag name → its exclusive group
    moment: datetime


@dataclass
class Person:
    """A row as values; empty ones say nothing, so nothing is changed by them."""

    line: int
    member_no: str = ""
    phone: str = ""
    nickname: str = ""
    gender: str = ""
    birthday: tuple[int | None, int, int] | None = None
    store_id: int | None = None
    source: str = ""
    joined_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    consents: list[tuple[str, str, bool, datetime]] = field(default_factory=list)
    consent_source: str = ""
    openings: list[tuple[str, str, int, date | None]] = field(default_factory=list)  # kind, key, amount, last day


def person(line: int, cells: Mapping[str, str | None], *, house: House) -> Person:
    """Raises Wrong."""
    said = {name: _clean(text) for name, text in cells.items()}
    for name, limit in LIMITS.items():
        if len(said.get(name, "")) > limit:
            raise Wrong("cell_too_long", name)
    if not said.get("member_no") and not said.get("phone"):
        raise Wrong("key_missing", "member_no")
    found = Person(
        line=line,
        member_no=said.get("member_no", ""),
        phone=_phone(said.get("phone", "")),
        nickname=said.get("nickname", ""),
        gender=_gender(said.get("gender", "")),
        birthday=_birthday(said.get("birthday", ""), today=clock.local_date(house.moment)),
        store_id=_store(said.get("store", ""), house),
        source=said.get("source", ""),
        joined_at=_moment(said.get("joined_at", ""), "joined_at", house),
        tags=_tags(said.get("tags", ""), house),
        consent_source=said.get("consent_source", ""),
    )
    found.fields = {
        one.key: _field(said[column], one, column) for column, one in house.fields.items() if said.get(column)
    }
    for column, (purpose, channel) in CONSENTS.items():
        if said.get(column):
            found.consents.append((purpose, channel, *_statement(said[column], column, house)))
    found.openings = _openings(said)
    return found


def day(text: str, column: str) -> date | None:
    """2026-11-22, 2026/11/22, 2026年11月22日, 20261122, a time behind it is left out. Raises Wrong."""
    if not text:
        return None
    parts = _DAY.fullmatch(text)
    if parts is None:
        raise Wrong("day_unreadable", column)
    year, month, number = (int(part) for part in parts.groups() if part)
    try:
        return date(year, month, number)
    except ValueError:
        raise Wrong("day_impossible", column) from None


def _clean(text: str | None) -> str:
    return " ".join(unicodedata.normalize("NFC", text or "").replace("\ufeff", "").split())


def _phone(text: str) -> str:
    try:
        return phones.normal(text) if text else ""
    except PhoneInvalid:
        raise Wrong("phone_invalid", "phone") from None


def _gender(text: str) -> str:
    if text and text.lower() not in _GENDERS:
        raise Wrong("gender_unreadable", "gender")
    return Member.Gender(_GENDERS.get(text.lower(), "")).value


def _birthday(text: str, *, today: date) -> tuple[int | None, int, int] | None:
    if short := _MONTH_DAY.fullmatch(text):
        month, number = int(short[1]), int(short[2])
        try:
            date(2000, month, number)
        except ValueError:
            raise Wrong("day_impossible", "birthday") from None
        return None, month, number
    found = day(text, "birthday")
    if found is None:
        return None
    if found > today or found.year < max(FIRST_YEAR, today.year - OLDEST_YEARS):
        raise Wrong("day_impossible", "birthday")
    return found.year, found.month, found.day


def _store(text: str, house: House) -> int | None:
    if text and text not in house.stores:
        raise Wrong("store_unknown", "store")
    return house.stores.get(text)


def _moment(text: str, column: str, house: House) -> datetime | None:
    found = day(text, column)
    if found is None:
        return None
    moment = clock.day_start(found)
    if found.year < FIRST_JOINING or moment > house.moment:
        raise Wrong("day_impossible", column)
    return moment


def _tags(text: str, house: House) -> list[str]:
    try:
        names = tagging.clean_names(_BETWEEN.split(text))
    except ValidationFailed:
        raise Wrong("tag_unusable", "tags") from None
    groups = [house.exclusive[name] for name in names if name in house.exclusive]
    if len(groups) != len(set(groups)):
        raise Wrong("tags_exclude", "tags")
    return names


def _field(text: str, one: Attribute, column: str) -> Any:
    value = attributes.parsed(one, text)
    if not attributes.fits(one, value):
        raise Wrong("field_unusable", column)
    return value


def _statement(text: str, column: str, house: House) -> tuple[bool, datetime]:
    """`yes 2025-03-01`: what was said and when. Without a day it is not a proof, so it is refused."""
    word, _, rest = text.partition(" ")
    answer = {**_YES, **_NO}.get(word.lower())
    if answer is None or not rest:
        raise Wrong("consent_unreadable", column)
    moment = _moment(rest, column, house)
    if moment is None:
        raise Wrong("consent_unreadable", column)
    return answer, moment


def _openings(said: Mapping[str, str]) -> list[tuple[str, str, int, date | None]]:
    found: list[tuple[str, str, int, date | None]] = []
    if said.get("opening_points"):
        last = day(said.get("opening_points_expire_on", ""), "opening_points_expire_on")
        found.append((Opening.Kind.POINTS, "", _number(said["opening_points"], "opening_points"), last))
    if said.get("growth"):
        found.append((Opening.Kind.GROWTH, "", _number(said["growth"], "growth"), None))
    if said.get("tier"):
        found.append((Opening.Kind.TIER, said["tier"], 0, None))
    counted: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in re.split(r"[;；|]", said.get("coupons", "")))):
        coupon = _COUPON.fullmatch(part)
        if coupon is None:
            raise Wrong("coupons_unreadable", "coupons")
        counted[coupon[1]] = counted.get(coupon[1], 0) + int(coupon[2])
    return found + [(Opening.Kind.COUPON, name, count, None) for name, count in counted.items()]


def _number(text: str, column: str) -> int:
    plain = text.replace(",", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        raise Wrong("number_unreadable", column)
    return int(plain)
