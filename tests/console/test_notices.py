"""The notification centre and alert rules: each sees what is theirs, new until read, rules within the own stores."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics import rollup
from apps.analytics.models import AlertRule, Breach, NoticeBox
from apps.core import approvals, ids
from apps.core.models import AuditEntry, Job
from apps.stores.models import Role, Staff
from tests.console import a_day
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]
GIVEN = {
    "name": "午后没有订单",
    "figure": "orders.paid",
    "kind": "fell",
    "limit": "40",
    "at_least": "10",
    "from_hour": "14",
}


def breach(house: House, where: str, **fields: object) -> Breach:
    row = AlertRule.objects.create(name=f"规则{where}", figure="orders.paid", kind="below", limit=5, is_each_store=True)
    store_id = house.stores[where].pk if where else 0
    return Breach.objects.create(rule=row, store_id=store_id, on="2026-11-22", value=1, began_at=NOON, **fields)


def test_each_reads_of_their_stores_their_questions_and_their_work(house: House, at: At) -> None:
    breach(house, "mine", recovered_at=NOON + timedelta(minutes=5))
    breach(house, "far")
    breach(house, "")
    breach(house, "mine", is_muted=True)
    agent = Staff.objects.get(user=house.users[Role.AGENT])
    for where in ("mine", "far"):
        approvals.ask(
            kind="points.adjust", source=f"t:{where}", reason=f"理由{where}", user_id=house.users[Role.AGENT].pk,
            params={"member_id": house.members[where].pk, "amount": 900, "currency": "points", "staff_id": agent.pk, "source": "x"},
            store_id=house.stores[where].pk,
        )  # fmt: skip
    for role in (Role.MANAGER, Role.ADMIN):
        Job.objects.create(kind="members.export", state="done", finished_at=NOON, created_by=house.users[role], done=7)

    body = at(Role.MANAGER).get(reverse("console:notices")).content.decode()
    assert (body.count("规则mine"), "规则far" in body, "春熙路店" in body) == (2, False, False)
    assert ("理由mine" in body, "理由far" in body) == (True, False)
    assert len(at(Role.ADMIN).get(reverse("console:notices")).context["rows"]) == 4 + 2 + 1
    agents = at(Role.AGENT).get(reverse("console:notices")).context["rows"]
    assert agents == []
    row = approvals.decide(approval_id=_newest(), user_id=house.users[Role.ADMIN].pk, is_agreed=False, note="太多")
    assert [one.detail for one, _new in at(Role.AGENT).get(reverse("console:notices")).context["rows"]] == [row.note]


def _newest() -> int:
    return int(approvals.Approval.objects.order_by("-pk")[0].pk)


def test_the_bell_counts_what_is_new_until_it_is_read(house: House, at: At, clock) -> None:
    breach(house, "mine")
    manager = at(Role.MANAGER)
    bell = reverse("console:notices_count")
    assert '<b class="num">1</b>' in manager.get(bell).content.decode()

    manager.post(reverse("console:notices_read"))
    assert "num" not in manager.get(bell).content.decode()
    assert manager.get(reverse("console:notices")).context["unread"] == 0
    later = NOON + timedelta(minutes=10)
    clock(later)
    Breach.objects.update(recovered_at=later)
    assert '<b class="num">1</b>' in manager.get(bell).content.decode()


def test_the_morning_notice_is_the_days_page(house: House, at: At, clock) -> None:
    a_day.live(house, NOON)
    morning = NOON + timedelta(hours=20, minutes=31)
    clock(morning)
    rollup.roll_up(moment=morning)
    manager = at(Role.MANAGER)
    (first, _new), *_rest = manager.get(reverse("console:notices")).context["rows"]

    assert first.title == manager.get(first.href).context["heading"]
    assert "¥80.50" in first.title


def test_rules_are_seen_and_changed_within_the_own_stores(house: House, at: At) -> None:
    admin, manager = at(Role.ADMIN), at(Role.MANAGER)
    new = reverse("console:alert_rule", args=["new"])
    mine, far = (str(house.stores[where].pk) for where in ("mine", "far"))
    for store in ("", "each", far):
        assert admin.post(new, GIVEN | {"store": store, "name": f"总部{store}"}).status_code == 302
        assert manager.post(new, GIVEN | {"store": store}).status_code == 422
    assert manager.post(new, GIVEN | {"store": mine}).status_code == 302

    listed = [row["rule"].name for row in manager.get(reverse("console:alert_rules")).context["rules"]]
    assert sorted(listed) == sorted(["午后没有订单", "总部each"])
    for rule in AlertRule.objects.exclude(store_id=mine):
        public_id = ids.encode("alr", rule.pk)
        assert manager.get(reverse("console:alert_rule", args=[public_id])).status_code == 404
        assert manager.post(reverse("console:alert_rule_act", args=[public_id]), {"do": "stop"}).status_code == 404
    assert AlertRule.objects.filter(is_active=False).count() == 0
    own = ids.encode("alr", AlertRule.objects.get(store_id=mine).pk)
    manager.post(reverse("console:alert_rule_act", args=[own]), {"do": "mute", "days": "1"})
    assert AlertRule.objects.get(store_id=mine).muted_until == NOON + timedelta(days=1)
    changed = AuditEntry.objects.filter(action="alert_rule.changed").get()
    assert (changed.before["muted_until"], changed.after["muted_until"][:10]) == (None, "2026-11-23")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"limit": ""}, "limit"),
        ({"limit": "140"}, "limit"),
        ({"kind": "below", "limit": "2.5"}, "limit"),
        ({"from_hour": "24"}, "from_hour"),
        ({"figure": "nothing"}, "figure"),
    ],
)
def test_a_rule_that_makes_no_sense_is_not_kept(house: House, at: At, given: dict[str, str], field: str) -> None:
    answer = at(Role.ADMIN).post(reverse("console:alert_rule", args=["new"]), GIVEN | {"store": ""} | given)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not AlertRule.objects.exists()


def test_money_is_typed_in_yuan_and_kept_in_fen(house: House, at: At) -> None:
    client = at(Role.ADMIN)
    given = GIVEN | {"figure": "sales.paid_cents", "kind": "below", "limit": "1234.50", "store": ""}
    client.post(reverse("console:alert_rule", args=["new"]), given)
    row = AlertRule.objects.get()

    assert (row.limit, row.at_least) == (123_450, 1_000)
    body = client.get(reverse("console:alert_rule", args=[ids.encode("alr", row.pk)])).content.decode()
    assert 'value="1234.5"' in body


def test_wishes_need_an_address_or_an_account(house: House, at: At) -> None:
    manager, address = at(Role.MANAGER), reverse("console:notices_save")

    assert manager.post(address, {"wants_digest": "on"}).status_code == 422
    assert manager.post(address, {"wants_digest": "on", "mail": "he@brand.example"}).status_code == 302
    assert NoticeBox.objects.get().wants_digest
    assert manager.post(address, {"wants_alerts": "on", "wecom": "lin wei"}).status_code == 422
    assert manager.post(address, {"wants_alerts": "on", "wecom": "lin-wei"}).status_code == 302
    assert NoticeBox.objects.get().wecom == "lin-wei"
