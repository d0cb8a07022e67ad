"""Content cards: each member sees those whose rule is true of them, on the start page, and opening one is counted."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse

from apps.activity.models import Event
from apps.care.cards import selectors, services
from apps.care.models import Card
from apps.core import ids
from apps.core.errors import ValidationFailed
from apps.segments.tracks import services as tracks
from tests.care.conftest import NOON, Shop
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
STEPS = [
    {"key": "pregnant", "name": "孕期", "months": -9, "days": 0},
    {"key": "born", "name": "出生后", "months": 0, "days": 0},
]


def card(name: str, audience: dict | None = None, *, is_on: bool = True, **more: object) -> Card:
    said = {"title": name, "slot": "home", "link": "/my/mall/"} | more
    made = services.save(card_id=None, name=name, audience=audience or {}, **said)
    return services.show(card_id=made.pk) if is_on else made


def seen(member_id: int, at: datetime = NOON, slot: str = "home") -> list[str]:
    return [row.name for row in selectors.shown_to(member_id=member_id, slot=slot, moment=at)]


def test_the_step_of_life_decides_what_is_shown_and_time_alone_changes_it(shop: Shop, noon: datetime) -> None:
    track = tracks.create(key="baby", name="宝宝", anchor="预产期", steps=STEPS)
    parent, other = shop.member(), shop.member()
    tracks.place(member_id=parent.pk, track_id=track.pk, anchor_on=date(2026, 3, 20), source="staff", is_agreed=True)
    for step in ("pregnant", "born"):
        card(step, {"field": "track_step", "key": "baby", "op": "any_of", "value": [step]})
    card("all", priority=200)

    assert (seen(parent.pk), seen(other.pk)) == (["pregnant", "all"], ["all"])
    shop.consent(parent.pk, purpose="profiling", channel="any", given=False)
    assert seen(parent.pk) == ["all"], "no personalisation"


def test_order_days_places_and_state(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    card("late", priority=30)
    card("first", priority=1, starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 10))
    card("tomorrow", priority=2, starts_on=date(2026, 3, 11))
    card("over", priority=3, ends_on=date(2026, 3, 9))
    card("draft", priority=4, is_on=False)
    card("elsewhere", slot="shop")
    services.take_down(card_id=card("down", priority=5).pk)
    card("fourth", priority=40)
    card("fifth", priority=50)

    assert seen(member.pk) == ["first", "late", "fourth"], "three at once"
    assert seen(member.pk, NOON + timedelta(days=1)) == ["tomorrow", "late", "fourth"]
    assert seen(member.pk, slot="shop") == ["elsewhere"]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"link": "javascript:alert(1)"}, "/link"), ({"link": "//evil.example"}, "/link"), ({"link": "http://a.example"}, "/link"),
        ({"slot": "Home!"}, "/slot"), ({"title": ""}, "/title"), ({"audience": {"field": "nothing"}}, "/audience"),
        ({"starts_on": date(2026, 3, 2), "ends_on": date(2026, 3, 1)}, "/ends_on"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(noon: datetime, said: dict, at: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        card("x", **said)
    assert [error["pointer"] for error in refused.value.facts["errors"]] == [at]  # type: ignore[attr-defined]
    assert not Card.objects.filter(state="on").exists()


def test_a_place_holds_twelve(noon: datetime) -> None:
    for number in range(services.MOST_SHOWN):
        card(str(number))
    with pytest.raises(ValidationFailed):
        card("one more")
    assert Card.objects.filter(state="on").count() == services.MOST_SHOWN


def test_a_member_opens_it_from_the_start_page_and_a_stranger_cannot(
    shop: Shop, clock: Callable[[datetime], datetime]
) -> None:
    clock(NOON)
    member = shop.member()
    mine = card("上新", {"field": "bucket", "key": "x", "op": "lte", "value": 9_999}, title_en="New", text="来看看")
    theirs = card("别人的", {"field": "tags", "op": "any_of", "value": ["vip"]})
    client = browser_of(member.pk)
    address = reverse("portal:card", args=[ids.encode("crd", mine.pk)])
    page = client.get(reverse("portal:home")).content.decode()
    assert (address in page, "来看看" in page, "别人的" in page) == (True, True, False)

    assert client.get(address)["Location"] == "/my/mall/"
    client.head(address)
    assert client.get(reverse("portal:card", args=[ids.encode("crd", theirs.pk)])).status_code == 404
    assert list(Event.objects.values_list("name", "member_id", "properties__id")) == [
        ("content_viewed", member.pk, ids.encode("crd", mine.pk))
    ]
    assert selectors.opened([mine, theirs], moment=NOON) == {mine.pk: 1, theirs.pk: 0}
    assert selectors.opened([mine], moment=NOON + timedelta(days=31)) == {mine.pk: 0}
