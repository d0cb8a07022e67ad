"""Tiers on staff pages: the table, a look ahead that writes nothing, saving, and a tier set by hand on the member's page."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry, Job
from apps.points import ladders, tiers
from apps.points import services as points
from apps.points.models import Benefit, Standing, Tier, TierChange
from apps.stores.models import Role
from tests.console.world import House


@pytest.fixture(autouse=True)
def ladder(house: House) -> None:
    ladders.install_defaults()
    points.earn(member_id=house.members["mine"].pk, amount=1500, source="x", currency="growth", moment=house.moment)
    tiers.reassess(member_ids=None, moment=house.moment)


def fields(client: Client, **more: str) -> dict[str, str]:
    """The form as the page shows it."""
    page = client.get(reverse("console:tiers"))
    form, rows = page.context["form"], page.context["found"]
    said = {name: form[name].value() for name in form.fields}
    said |= {f"t-{name}": rows.management_form[name].value() for name in rows.management_form.fields}
    for row in rows.forms:
        said |= {row.add_prefix(name): row[name].value() for name in row.fields}
    return {name: str(value) for name, value in said.items() if value not in (None, "") and value is not False} | more


def test_the_table_counts_members_and_names_what_each_tier_gives(at: Callable[..., Client]):
    page = at(Role.ANALYST).get(reverse("console:tiers")).content.decode()

    assert "银卡" in page
    assert "生日礼 200 积分" in page
    assert "保存并重新评定" not in page


def test_a_look_ahead_counts_moves_and_writes_nothing(at: Callable[..., Client]):
    admin = at(Role.ADMIN)
    lower = fields(admin, **{"t-2-threshold": "1200"})

    page = admin.post(reverse("console:tiers_preview"), lower).content.decode()

    assert "将立即有 1 位会员升级、0 位降级" in page
    assert (Tier.objects.get(key="gold").threshold, TierChange.objects.count()) == (5000, 1)


def test_a_ladder_that_contradicts_itself_is_refused_at_its_field(at: Callable[..., Client]):
    admin = at(Role.ADMIN)

    answer = admin.post(reverse("console:tiers_save"), fields(admin, window_months="", **{"t-1-threshold": "5000"}))

    assert answer.status_code == 422
    assert "月数应在 1 到 120 之间" in answer.content.decode()
    assert "每个等级的门槛必须高于下一级" in answer.content.decode()
    assert Tier.objects.get(key="silver").threshold == 1000


def test_saving_changes_the_ladder_and_starts_the_assessment_of_all(at: Callable[..., Client]):
    admin = at(Role.ADMIN)

    answer = admin.post(reverse("console:tiers_save"), fields(admin, **{"t-2-threshold": "1200"}))

    assert answer.status_code == 302
    assert Tier.objects.get(key="gold").threshold == 1200
    assert Job.objects.filter(kind="points.reassess").count() == 1


def test_benefits_are_replaced_in_their_order(at: Callable[..., Client]):
    given = {
        "b-TOTAL_FORMS": "2", "b-INITIAL_FORMS": "0", "b-0-kind": "multiplier", "b-0-title": "双倍", "b-0-title_en": "Double",
        "b-0-value": "2", "b-1-kind": "birthday", "b-1-title": "生日", "b-1-title_en": "Birthday", "b-1-value": "many",
    }  # fmt: skip
    url = reverse("console:tier", args=["silver"])

    assert at(Role.ADMIN).post(url, given).status_code == 422
    assert Benefit.objects.filter(tier__key="silver").count() == 2
    assert at(Role.ADMIN).post(url, given | {"b-1-value": "30"}).status_code == 302
    found = Benefit.objects.filter(tier__key="silver").values_list("kind", "value")
    assert list(found) == [("multiplier", {"factor": "2"}), ("birthday", {"points": 30})]


def test_the_members_page_says_where_they_stand_and_a_tier_set_by_hand_asks_why(
    house: House, at: Callable[..., Client]
):
    admin, url = at(Role.ADMIN), reverse("console:member_tier", args=[house.member_id("mine")])
    page = admin.get(reverse("console:member", args=[house.member_id("mine")])).content.decode()
    assert "再积 3,500 即可升为金卡" in page

    admin.post(url, {"tier": "gold", "reason": "", "is_locked": "on"})
    assert Standing.objects.get().tier.key == "silver"
    admin.post(url, {"tier": "gold", "reason": "店庆嘉宾", "is_locked": "on"})

    assert (Standing.objects.get().tier.key, Standing.objects.get().is_locked) == ("gold", True)
    assert AuditEntry.objects.get(action="member.tier_set").after["reason"] == "店庆嘉宾"
    assert at(Role.CLERK).post(url, {"tier": "silver", "reason": "因为"}).status_code == 403
