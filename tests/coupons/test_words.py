"""What a coupon says of itself, in both languages."""

from datetime import timedelta

import pytest
from django.utils import translation

from apps.core import clock
from apps.coupons import words
from tests.coupons import making

GOODS = {"categories": ["羊绒", "大衣"]}
DECEMBER = {"kind": "between", "from": "2026-12-01", "to": "2026-12-31"}
SALE = {"categories": ["特价款"]}
AFTER = "30 days from the claim on"
KNOWN = words.Names(stores={"s1": "云栖广场店", "s2": "梧桐街店"}, tiers={"silver": "银卡", "gold": "金卡"})


def read(language, said):
    with translation.override(language):
        made = words.card(said, KNOWN)
        return str(made.value), made.condition, made.short, made.validity


@pytest.mark.parametrize(
    ("said", "chinese", "english"),
    [
        (
            making.terms(
                {"kind": "amount", "cents": 8_000}, minimum_cents=40_000, only=GOODS, never=SALE, without=["order"],
            ),
            ("¥80", "满400可用", "大衣、羊绒可用。特价款除外。不与整单券同用。各店与线上通用。", "领取后30天内有效"),
            ("¥80", "from ¥400 on", "For 大衣, 羊绒. Not for 特价款. In every store and online.", AFTER),
        ),
        (
            making.terms({"kind": "percent", "off": 10, "at_most_cents": 20_000}, valid=DECEMBER),
            ("9折", "不限金额", "全部商品可用。最多优惠¥200。各店与线上通用。", "2026年12月1日至2026年12月31日"),
            ("10% off", "any amount", "All goods. At most ¥200 off. In every store and online.", "Dec. 1, 2026 to Dec. 31, 2026"),
        ),
        (
            making.terms(
                {"kind": "exchange", "what": "桂花乌龙茶一罐", "what_en": "a tin of tea"}, level="gift", stores=["s1", "s2"],
                text="每桌一罐", text_en="One each",
            ),
            ("礼品", "凭券领取", "凭券领取桂花乌龙茶一罐。仅限云栖广场店、梧桐街店。每桌一罐。", "领取后30天内有效"),
            ("Gift", "with this coupon", "A tin of tea for the coupon. Only at 云栖广场店, 梧桐街店. One each.", AFTER),
        ),
    ],
)  # fmt: skip
def test_a_card_says_value_condition_rules_and_days(said, chinese, english):
    assert read("zh-hans", said) == chinese
    assert read("en", said) == english


def test_hours_and_tiers_are_named_and_a_group_is_not_told_to_members():
    said = making.terms(
        {"kind": "steps", "steps": [{"from_cents": 20_000, "off_cents": 2_000}, {"from_cents": 40_000, "off_cents": 5_050}]},
        weekdays=[1, 2, 3, 4, 5], hours=[{"from": "17:00", "until": "20:00"}], tiers=["gold"], segments=["lapsing"],
    )  # fmt: skip
    with translation.override("zh-hans"):
        made = words.card(said, KNOWN)
        staff = {part.name: part.text for part in words.parts(said, KNOWN)}
    assert (str(made.value), made.condition) == ("最高¥50.50", "满200起减")
    assert "仅限周一至周五17:00–20:00。" in made.rules
    assert "金卡会员可用。" in made.rules
    assert "限受邀会员。" in made.rules
    assert (staff["gives"], staff["segments"]) == ("满200减20、满400减50.50", "限lapsing中的会员")


@pytest.mark.parametrize(
    ("rest", "text", "is_soon"),
    [
        (timedelta(days=1, hours=13, minutes=59), "还剩1天13小时", True),
        (timedelta(minutes=65), "还剩1小时5分钟", True),
        (timedelta(days=28, hours=1), "还有28天", False),
    ],
)
def test_time_left_is_counted_in_hours_from_three_days_on(rest, text, is_soon):
    moment = clock.parse("2026-11-29T12:00")
    with translation.override("zh-hans"):
        assert words.left(starts_at=moment, ends_at=moment + rest, moment=moment) == words.Left(text, is_soon)
        ahead = words.left(starts_at=moment + timedelta(days=2), ends_at=moment + timedelta(days=9), moment=moment)
        far = words.left(
            starts_at=moment, ends_at=clock.day_end(clock.local_date(clock.parse("2027-01-31"))), moment=moment
        )
    assert ahead == words.Left("12月1日起可用", is_started=False)
    assert far == words.Left("2027年1月31日前", is_soon=False)
