"""Households become members: invented names, phones, birthdays and consents, the same ones each time."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from apps.core import clock
from apps.flows.demo import words
from apps.flows.demo.log_ins import FIRST_NUMBER, FIRST_PHONE, NUMBER_PREFIX
from apps.flows.demo.shops import Shops
from apps.flows.demo.source import ONLINE, Year
from apps.flows.demo.state import SOURCE
from apps.members import services as members
from apps.members import tagging
from apps.members.models import Attribute, MemberTag

TEXT_VERSION = "demo-1"
SMS_SHARE, WITHDRAWN_SHARE, INBOX_SHARE = 0.78, 0.07, 0.92
_SEED = 2026
_AGES = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54), "55-64": (55, 64), "65+": (65, 80)}

_DESCRIBE = """
update members_member m
   set nickname = v.nickname, gender = v.gender, birth_year = v.year, birth_month = v.month, birth_day = v.day,
       home_store_id = v.store, attributes = v.attributes, joined_at = v.joined_at
  from jsonb_to_recordset(%s::jsonb) as v(id bigint, nickname text, gender text, year smallint, month smallint,
       day smallint, store bigint, attributes jsonb, joined_at timestamptz)
 where m.id = v.id
"""
# Each at its member's own moment, which no service needs: consents come one by one or at one moment.
_AGREE = """
insert into members_consent (member_id, purpose, channel, is_granted, source, text_version, at)
select m.id, purpose, %(channel)s, %(is_granted)s, %(source)s, %(version)s, m.joined_at + %(later)s
  from members_member m, unnest(array['care', 'marketing']) purpose
 where m.id = any(%(members)s) and m.joined_at + %(later)s <= %(now)s
 order by m.joined_at, m.id, purpose
"""


def member_no(household: int) -> str:
    return f"{NUMBER_PREFIX}{FIRST_NUMBER + household}"


@transaction.atomic
def join(year: Year, shops: Shops) -> dict[int, int]:
    """Register every household with its phone, then describe them. Returns member ids by household."""
    phones = [(member_no(number), str(FIRST_PHONE + number)) for number in year.households]
    ids, errors = members.resolve_for_import(phones, SOURCE)
    if errors:
        raise RuntimeError(f"{len(errors)} demo phones belong to somebody else")
    by_household = {number: ids[member_no(number)] for number in year.households}
    _declare_attributes()
    favourite, first_seen, has_pet = _habits(year)
    rows = [
        _portrait(number, year=year)
        | {
            "id": by_household[number],
            "store": shops.store_ids[favourite.get(number, ONLINE)],
            "joined_at": (first_seen.get(number, clock.now()) - timedelta(days=number % 31)).isoformat(),
        }
        for number in year.households
    ]
    with connection.cursor() as cursor:
        cursor.execute(_DESCRIBE, [json.dumps(rows)])
    tagging.give_named(
        pairs=[
            (by_household[number], tag)
            for number in year.households
            for tag in _tags(year.traits.get(number, {}), pet=has_pet.get(number, ""))
        ],
        source=MemberTag.Source.IMPORT,
    )
    _agree(list(by_household.values()))
    return by_household


def _declare_attributes() -> None:
    kinds = Attribute.Type
    for key, label, kind in (("family_size", "家庭人数", kinds.NUMBER), ("has_children", "有孩子", kinds.FLAG)):
        Attribute.objects.get_or_create(key=key, defaults={"label": label, "type": kind})


def _portrait(household: int, *, year: Year) -> dict[str, Any]:
    """Nickname, gender, birthday and attributes; all but the family's size and age bracket invented."""
    rng = np.random.default_rng([_SEED, household])
    gender = "f" if rng.random() < 0.62 else "m"
    given = words.FEMALE_NAMES if gender == "f" else words.MALE_NAMES
    name = given[rng.integers(len(given))]
    surname = words.SURNAMES[rng.integers(len(words.SURNAMES))]
    traits = year.traits.get(household, {})
    low, high = _AGES.get(traits.get("age", ""), (22, 68))
    born = date(clock.local(clock.now()).year - int(rng.integers(low, high + 1)), 1, 1) + timedelta(
        days=int(rng.integers(365))
    )
    attributes: dict[str, Any] = {}
    if size := traits.get("household_size"):
        attributes = {
            "family_size": int(size.rstrip("+")),
            "has_children": traits["kids_count"] not in {"0", "Unknown", ""},
        }
    return {
        "nickname": surname + name if rng.random() < 0.8 else f"{name[-1]}{name[-1]}",
        "gender": gender,
        "year": born.year,
        "month": born.month,
        "day": born.day,
        "attributes": attributes,
    }


def _habits(year: Year) -> tuple[dict[int, int], dict[int, datetime], dict[int, str]]:
    """Per household: where it shops most, when it came first, which pet food it buys again and again."""
    baskets = year.baskets
    everyone, row = np.unique(baskets.household, return_inverse=True)
    visits = np.bincount(row * (ONLINE + 1) + baskets.place, minlength=len(everyone) * (ONLINE + 1))
    favourite = visits.reshape(-1, ONLINE + 1).argmax(axis=1)
    first = np.full(len(everyone), np.datetime64("9999-01-01", "s"))
    np.minimum.at(first, row, baskets.paid_at)
    numbers = everyone.tolist()
    seen = {number: moment.replace(tzinfo=UTC) for number, moment in zip(numbers, first.tolist(), strict=True)}
    pets: dict[int, str] = {}
    for category, tag in (("DOG FOODS", "养狗"), ("CAT FOOD", "养猫")):
        food = year.products.filter(np.asarray(year.products["product_category"]) == category)["product_id"].to_numpy()
        bought = np.isin(year.lines.product, food)
        times = np.bincount(row[year.lines.basket_row[bought]], minlength=len(everyone))
        pets |= {numbers[index]: tag for index in np.flatnonzero(times >= 8)}
    return dict(zip(numbers, favourite.tolist(), strict=True)), seen, pets


def _tags(traits: dict[str, str], *, pet: str) -> list[str]:
    tags = [pet] if pet else []
    if traits.get("kids_count", "0") not in {"0", "Unknown", ""}:
        tags.append("有孩子")
    if traits.get("age") == "65+":
        tags.append("银发")
    return sorted(tags)


def _agree(member_ids: list[int]) -> None:
    """About 78 % take SMS, a few more took them back; nearly everybody takes the inbox. The others never said."""
    drawn = np.random.default_rng([_SEED, 1]).random((2, len(member_ids)))
    ids = np.array(member_ids)
    takes_sms = drawn[0] < SMS_SHARE + WITHDRAWN_SHARE
    withdrew = takes_sms & (drawn[0] >= SMS_SHARE)
    statements = (
        ("sms", True, ids[takes_sms], 0),
        ("inbox", True, ids[drawn[1] < INBOX_SHARE], 0),
        ("sms", False, ids[withdrew], 60),
    )
    given: dict[str, Any] = {"source": SOURCE, "version": TEXT_VERSION, "now": clock.now()}
    with connection.cursor() as cursor:
        for channel, is_granted, who, later in statements:
            given |= {"channel": channel, "is_granted": is_granted, "members": who.tolist()}
            cursor.execute(_AGREE, given | {"later": timedelta(days=later)})
