"""The member's page: the stream narrowed by theme with and without a script, and the persona on one page."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from apps.members import tagging
from apps.members.models import Consent
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def titles(answer) -> list[str]:
    return [entry.title for entry in answer.context["entries"]]


def test_the_stream_is_narrowed_to_one_theme_in_the_page_and_in_the_part(house: House, admin: Client):
    tagging.set_tags(member_id=house.members["mine"].pk, tags=["茶"])
    page, part = (reverse(f"console:{name}", args=[house.member_id("mine")]) for name in ("member", "member_timeline"))

    whole = titles(admin.get(page))
    for theme, count in (
        ("orders", 1),
        ("messages", 1),
        ("stages", 1),
        ("consents", 1),
        ("tags", 1),
        ("behaviour", 0),
        ("identity", 1),
    ):
        in_page = titles(admin.get(page, {"show": theme}))
        in_part = titles(admin.get(part, {"show": theme}, headers={"HX-Request": "true"}))
        assert in_page == in_part
        assert len(in_page) == count, theme
        assert set(in_page) <= set(whole)
    assert titles(admin.get(page, {"show": "no-such-theme"})) == whole


def test_the_next_piece_keeps_the_theme_and_holds_no_buttons(house: House, admin: Client):
    member = house.members["mine"]
    Consent.objects.bulk_create(
        Consent(member=member, purpose="care", channel="inbox", is_granted=True, source="t", text_version="1", at=NOON)
        for _ in range(40)
    )
    part = reverse("console:member_timeline", args=[house.member_id("mine")])
    first = admin.get(part, {"show": "consents"}, headers={"HX-Request": "true"})
    rest = admin.get(part, {"show": "consents", "at": first.context["older"]}, headers={"HX-Request": "true"})

    assert (len(titles(first)), len(titles(rest))) == (30, 11)
    assert "c-themes" in first.content.decode()
    assert "c-themes" not in rest.content.decode()


def test_who_opens_a_part_without_a_script_gets_the_page(house: House, admin: Client):
    part = reverse("console:member_timeline", args=[house.member_id("mine")])

    answer = admin.get(part, {"show": "tags"})

    assert (answer.status_code, answer["Location"]) == (
        302, f"/console/members/{house.member_id('mine')}/?show=tags#timeline",
    )  # fmt: skip


def test_the_persona_stands_on_the_page_with_home_region_and_habits(house: House, admin: Client):
    page = admin.get(reverse("console:member", args=[house.member_id("mine")])).content.decode()

    persona = page.split('id="persona"')[1].split("</section>")[0]
    assert "武康路店" in persona
    assert "华东" in page
