"""The audit trail as people read it: found by who, what, whom, when and where, told in words, sealed; and settings put back."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.care import limits
from apps.console import audit_words, settings_history
from apps.core import audit, brand, clock, requests, seals
from apps.core.models import Alert, AuditEntry, AuditSeal
from apps.stores.models import Role, Staff, Store
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]


@pytest.fixture
def acts(house: House) -> dict[str, AuditEntry]:
    """One act each by the manager (of `mine`), by the agent, and by the house itself."""
    made = {}
    for name, actor, action, thing in (
        ("unmasked", Role.MANAGER, "member.unmasked", ("member", house.members["far"].pk)),
        ("refunded", Role.AGENT, "order.refunded", ("order", house.orders["mine"].pk)),
        ("lapsed", "system", "approval.lapsed", ("approval", 7)),
    ):
        who = f"user:{house.users[actor].pk}" if actor in house.users else actor
        with requests.acting(actor=who, request_id="r-1", address="192.0.2.1"):
            made[name] = audit.record(action, object_type=thing[0], object_id=thing[1], after={"reason": "回访"})
    return made


def found(client: Client, **asked: object) -> list[int]:
    page = client.get(reverse("console:audit"), asked)
    assert page.status_code == 200
    return [row["id"] for row in page.context["rows"]]


def test_a_line_is_found_by_who_what_whom_when_and_where(house: House, acts: dict[str, AuditEntry], at: At) -> None:
    client = at(Role.AUDITOR)
    Staff.objects.filter(user=house.users[Role.MANAGER]).update(name="陆店长")
    unmasked, refunded, lapsed = (acts[name].pk for name in ("unmasked", "refunded", "lapsed"))
    today, member = clock.local_date(house.moment), house.members["far"]
    for asked, expected in (
        ({"actor": "陆店"}, {unmasked}),
        ({"actor": "manager-1"}, {unmasked}),
        ({"actor": "C-agent"}, {refunded}),
        ({"actor": "system"}, {lapsed}),
        ({"action": "member.unm"}, {unmasked}),
        ({"action": "退款"}, {refunded}),
        ({"object": "订单"}, {refunded}),
        ({"object": member.member_no}, {unmasked}),
        ({"object": house.member_id("far")}, {unmasked}),
        ({"object": f"order:{house.orders['mine'].pk}"}, {refunded}),
        ({"store": house.stores["mine"].pk}, {unmasked}),
        ({"store": house.stores["far"].pk}, set()),
        ({"actor": "agent", "action": "member.unmasked"}, set()),
        ({"object": "mem_nonsense"}, set()),
    ):
        assert set(found(client, **asked)) & {unmasked, refunded, lapsed} == expected, asked
    day = timedelta(days=1)
    assert set(found(client, since=today, until=today)) >= {unmasked, refunded, lapsed}
    assert {unmasked, refunded, lapsed} & set(found(client, since=today + day)) == set()
    assert {unmasked, refunded, lapsed} & set(found(client, until=today - day)) == set()


def test_the_file_holds_what_was_found(acts: dict[str, AuditEntry], at: At) -> None:
    answer = at(Role.AUDITOR).get(reverse("console:audit_csv"), {"action": "order.refunded"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    assert [(row[0], row[2], row[6], row[7]) for row in rows] == [
        (str(acts["refunded"].pk), "agent-1", "192.0.2.1", "r-1")
    ]
    assert rows[0][1].endswith("+0800")
    assert "回访" in rows[0][5]


def test_what_changed_is_told_in_words(house: House) -> None:
    store = house.stores["mine"]
    with translation.override("zh-hans"):
        staff = Staff.objects.get(user=house.users[Role.CLERK])
        Staff.objects.filter(pk=staff.pk).update(store=house.stores["near"], role=Role.MANAGER, is_active=False)
        line = AuditEntry.objects.filter(action="stores_staff.update").values().latest("pk")
        assert sorted(audit_words.changes([line])[line["id"]]) == sorted(
            [("门店", "武康路店", "静安店"), ("角色", "店员", "店长"), ("启用", "是", "否")]
        )
        Store.objects.filter(pk=store.pk).update(name="新名")
        line = AuditEntry.objects.filter(action="stores_store.update").values().latest("pk")
        assert audit_words.changes([line])[line["id"]] == [("名称", "武康路店", "新名")]
        assert audit_words.value({"a": [1, True, None], "at": "2026-11-22T04:00:00+00:00"}).endswith(
            "2026-11-22 12:00:00"
        )
        made = {
            "id": 5,
            "object_type": "x",
            "before": {"total_cents": 1_050},
            "after": {"total_cents": 2_000, "odd": "z"},
        }
        assert audit_words.changes([made])[5] == [("金额", "¥10.50", "¥20.00"), ("odd", "", "z")]


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test is one transaction that does not end."""
    monkeypatch.setattr(seals, "_is_settled", lambda _horizon: True)


@pytest.fixture
def sealed(house: House, acts: dict[str, AuditEntry], settled: None) -> int:
    """The id of a sealed line in the middle of the chain."""
    seals.seal()
    seals.seal()
    audit.record("order.paid", object_type="order", object_id=1)
    seals.seal()
    seals.seal()
    assert AuditSeal.objects.filter(lines__gt=0).count() == 2
    return acts["refunded"].pk


def test_a_chain_that_nobody_touched_holds_and_seals_each_line_once(sealed: int) -> None:
    assert seals.check() == {"lines": AuditEntry.objects.count(), "faults": 0}
    assert seals.seal() == 0
    state = seals.state()
    assert (state.lines, state.sealed, state.faults) == (AuditEntry.objects.count(), AuditEntry.objects.count(), 0)
    assert len(state.digest) == 64


def test_a_line_waits_while_a_transaction_that_may_write_before_it_goes_on(
    house: House, acts: dict[str, AuditEntry], owner_cursor: psycopg.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test's own transaction began first, so the seal's number is set to one after the other's."""
    with owner_cursor.connection.transaction():
        owner_cursor.execute("select pg_current_xact_id()::text::bigint")
        after = owner_cursor.fetchone()[0] + 1  # type: ignore[index]
        monkeypatch.setattr(seals, "_horizon", lambda _cursor: (AuditEntry.objects.latest("pk").pk, after))
        seals.seal()  # the mark
        assert seals.seal() == 0
    assert not AuditSeal.objects.filter(lines__gt=0).exists()


@pytest.mark.parametrize("what", ["who", "said", "gone", "chain"])
def test_what_is_changed_behind_the_databases_back_breaks_the_seal(
    sealed: int, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements a test may not run are played by what the check reads."""
    lines, contents = seals._LINES, seals._CHANGED
    if what == "who":
        fake = f"(select id, at, case when id = {sealed} then 'user:1' else actor end as actor, request_id, action, object_type, object_id, before, after from core_auditentry) core_auditentry"  # fmt: skip # noqa: E501
        monkeypatch.setattr(seals, "_LINES", lines.replace("from core_auditentry where", f"from {fake} where"))
    elif what == "gone":
        monkeypatch.setattr(seals, "_LINES", lines.replace("where id >", f"where id <> {sealed} and id >"))
    elif what == "said":
        fake = f"(select id, before, case when id = {sealed} then '{{\"reason\": \"x\"}}' else after end as after from core_auditentry) core_auditentry"  # fmt: skip # noqa: E501
        monkeypatch.setattr(seals, "_CHANGED", contents.replace("from core_auditentry where", f"from {fake} where"))
    else:
        first = AuditSeal.objects.filter(lines__gt=0).earliest("pk")
        AuditSeal.objects.create(
            after=first.after, upto=first.upto, lines=first.lines, contents=first.contents, digest=b"x" * 32,
            next_upto=first.upto, next_xid=0,
        )  # fmt: skip
    checked = seals.check()
    assert checked["faults"] == 1
    assert checked["first_fault"] == (sealed if what == "said" else 0)
    assert Alert.objects.filter(kind=seals.ALERT).count() == 1


def test_what_an_erased_member_said_may_go_and_the_seal_still_holds(
    sealed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = f"(select id, case when id = {sealed} then null else before end as before, case when id = {sealed} then '{{\"erased\": true}}'::jsonb else after end as after from core_auditentry) core_auditentry"  # fmt: skip # noqa: E501
    monkeypatch.setattr(seals, "_CHANGED", seals._CHANGED.replace("from core_auditentry where", f"from {fake} where"))
    assert seals.check()["faults"] == 0


def test_a_setting_is_put_back_by_whoever_may_change_it_and_that_is_noted(house: House, at: At) -> None:
    first = brand.read("care.sms_price_cents")
    with requests.acting(actor=f"user:{house.users[Role.ADMIN].pk}"):
        limits.save({"care.sms_price_cents": first + 1})
        limits.save({"care.sms_price_cents": first + 2})
    page = at(Role.AUDITOR).get(reverse("console:settings_history"), {"key": "care.sms_price_cents"})
    rows = page.context["rows"]
    assert [(row["who"], row["before"], row["after"]) for row in rows] == [
        ("admin-1", str(first + 1), str(first + 2)), ("admin-1", str(first), str(first + 1)),
    ]  # fmt: skip
    assert not any(row["may_restore"] for row in rows)
    oldest = rows[1]["change"].line.pk
    at(Role.AUDITOR).post(reverse("console:setting_restore", args=[oldest]))
    assert brand.read("care.sms_price_cents") == first + 2

    at(Role.ADMIN).post(reverse("console:setting_restore", args=[oldest]))
    assert brand.read("care.sms_price_cents") == first
    newest = settings_history.changes(key="care.sms_price_cents").first()
    assert newest is not None
    assert (newest.actor, newest.after["value"]) == (f"user:{house.users[Role.ADMIN].pk}", first)  # type: ignore[index]


def test_what_needs_a_second_person_is_not_put_back_alone(house: House, at: At) -> None:
    brand.write("counter.rules", {})
    brand.write("stores.second_factor_roles", ["admin"])
    line = settings_history.changes(key="stores.second_factor_roles").first()
    assert line is not None
    at(Role.ADMIN).post(reverse("console:setting_restore", args=[line.pk]))
    assert brand.read("stores.second_factor_roles") == ["admin"]


def test_every_setting_has_a_name_and_what_can_be_put_back_exists() -> None:
    assert set(brand.declared()) - set(settings_history.LABELS) == set()
    assert set(settings_history.RESTORED) <= set(brand.declared())
    alone = {key for key in brand.declared() if key.endswith(("_limits", "_alone", "_roles")) or key == "counter.rules"}
    assert not alone & set(settings_history.RESTORED)
