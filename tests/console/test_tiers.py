"""Tiers on staff pages: the table, a look ahead that writes nothing, saving, and a tier set by hand on the member's page."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import brand, ids
from apps.core.models import Approval, AuditEntry, Job
from apps.points import ladders, tiers
from apps.points import services as points
from apps.points.models import Benefit, Ladder, Standing, Tier, TierChange
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


def decide(client: Client, verdict: str = "agree") -> None:
    waiting = Approval.objects.get(state="waiting")
    client.post(reverse("console:approval_decide", args=[ids.encode("apr", waiting.pk)]), {"verdict": verdict})


def test_a_changed_ladder_counts_when_another_person_agrees_and_then_everybody_is_assessed(at: Callable[..., Client]):
    admin, marketer = at(Role.ADMIN), at(Role.MARKETER)
    change = fields(admin, **{"t-2-threshold": "1200", "grace_days": "9"})

    for _twice in range(2):
        assert admin.post(reverse("console:tiers_save"), change).status_code == 302
    decide(admin)  # whoever asked cannot agree

    assert (Tier.objects.get(key="gold").threshold, Ladder.objects.get().grace_days) == (5000, 0)
    assert not Job.objects.filter(kind="points.reassess").exists()
    assert "等待第二人" in admin.get(reverse("console:tiers")).content.decode()
    page = marketer.get(reverse("console:approvals")).content.decode()
    assert "宽限天数：0；金卡：5,000 起" in page
    assert "宽限天数：9；金卡：1,200 起" in page

    decide(marketer)

    assert (Tier.objects.get(key="gold").threshold, Ladder.objects.get().grace_days) == (1200, 9)
    assert Job.objects.filter(kind="points.reassess").count() == 1


def test_agreeing_to_a_change_of_tiers_that_are_others_by_now_changes_nothing(at: Callable[..., Client]):
    admin, marketer = at(Role.ADMIN), at(Role.MARKETER)
    admin.post(reverse("console:tiers_save"), fields(admin, **{"t-2-threshold": "1200"}))
    Ladder.objects.update(grace_days=30)

    decide(marketer)

    assert (Tier.objects.get(key="gold").threshold, Approval.objects.get().state) == (5000, "waiting")


def test_names_count_at_once_and_so_does_all_where_the_brand_lets_its_role_decide_alone(at: Callable[..., Client]):
    admin = at(Role.ADMIN)
    admin.post(reverse("console:tiers_save"), fields(admin, **{"t-2-name": "尊享金卡"}))
    assert Tier.objects.get(key="gold").name == "尊享金卡"

    brand.write("points.ladder_alone", ["admin"])
    admin.post(reverse("console:tiers_save"), fields(admin, **{"t-2-threshold": "1200"}))

    assert Tier.objects.get(key="gold").threshold == 1200
    assert Approval.objects.count() == 0


def test_what_a_tier_gives_counts_when_another_person_agrees_and_titles_at_once(at: Callable[..., Client]):
    given = {
        "b-TOTAL_FORMS": "2", "b-INITIAL_FORMS": "0", "b-0-kind": "multiplier", "b-0-title": "双倍", "b-0-title_en": "Double",
        "b-0-value": "2", "b-1-kind": "birthday", "b-1-title": "生日", "b-1-title_en": "Birthday", "b-1-value": "many",
    }  # fmt: skip
    url = reverse("console:tier", args=["silver"])
    found = Benefit.objects.filter(tier__key="silver").order_by("position")
    before = list(found.values_list("kind", "value"))

    assert at(Role.ADMIN).post(url, given).status_code == 422
    assert at(Role.ADMIN).post(url, given | {"b-1-value": "30"}).status_code == 302
    assert list(found.values_list("kind", "value")) == before
    decide(at(Role.MARKETER))
    assert list(found.values_list("kind", "value")) == [("multiplier", {"factor": "2"}), ("birthday", {"points": 30})]

    at(Role.ADMIN).post(url, given | {"b-INITIAL_FORMS": "2", "b-1-value": "30", "b-1-title": "生日快乐"})
    assert found.last().title == "生日快乐"


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
