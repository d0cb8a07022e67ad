"""Months of the house: figures are sums of rows, targets have their owners, pay follows the rule, and no store sees another's."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from apps.analytics import rollup
from apps.analytics.day import sources
from apps.analytics.house import figures, months, pay, targets
from apps.analytics.house.figures import GOALS
from apps.analytics.house.targets import Place, Wish
from apps.analytics.models import DailyFigure, Incentive, Target
from apps.analytics.study import attribution
from apps.care.models import Attempt, Cost, Journey, Policy, Touch, Version
from apps.core import clock as house_clock
from apps.core import money
from apps.core.errors import Forbidden, ValidationFailed
from apps.core.models import AuditEntry
from apps.members import services as members
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.stores import access
from apps.stores.models import Role, Staff
from tests.console import a_day
from tests.console.conftest import NOON
from tests.console.world import House

pytestmark = pytest.mark.django_db
At = Callable[..., Client]
NOVEMBER = date(2026, 11, 1)
# Of one store in the month: `a_day` lives `times` orders on the 22nd and two on the 15th, each of 80.50 with 10.25 given back.
EACH = 8_050 - 1_025


@pytest.fixture
def clerk(house: House) -> Staff:
    made = a_day.live(house, NOON)
    Order.objects.filter(store=house.stores["far"]).update(channel="mini-program")
    rollup.roll_up(moment=NOON, days=22)
    return made


def read(answer: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]  # type: ignore[attr-defined]


def by(house: House, role: str) -> access.Access:
    return access.of_user(house.users[role])


def sums(client: Client, address: str) -> tuple[int, list[dict]]:
    """The rows behind an address of a page, all of them, added up; and the rows."""
    page = client.get(address)
    assert page.status_code == 200, address
    assert page.context["counted"] == "", address
    assert page.context["older_url"] == "", address
    rows = list(page.context["rows"])
    return sum(row["n"] for row in rows), rows


@pytest.mark.parametrize("role", [Role.ADMIN, Role.REGION_MANAGER, Role.MANAGER])
def test_every_figure_place_and_channel_is_the_sum_of_its_rows_within_the_reach(
    house: House, clerk: Staff, at: At, role: str
) -> None:
    client = at(role)
    mine = {Role.ADMIN: set(house.stores), Role.REGION_MANAGER: {"mine", "near"}, Role.MANAGER: {"mine"}}[role]
    ids = {house.stores[key].pk for key in mine}
    named = {str(figures.worded(goal.name).label): goal for goal in GOALS.values()}
    told: dict[str, tuple[figures.Goal, str]] = {}
    parted = [goal.name for goal in GOALS.values() if not goal.of_brand]
    for figure in parted if role == Role.ADMIN else ("sales.net_cents", "members.joined"):
        page = client.get(reverse("console:headquarters"), {"figure": figure})
        for line in (one for table in ("figures", "parts", "channels") for one in page.context[table]):
            told[line["href"]] = named.get(str(line["name"]), GOALS[figure]), line["value"]
    told = {address: one for address, one in told.items() if "/rows/" in address}  # others have pages of their own
    for address, (goal, shown) in told.items():
        total, rows = sums(client, address)
        if not goal.of:  # of a share the rows are those that count
            assert figures.shown(goal.name, total) == shown, address
        assert {row["store_id"] for row in rows} <= ids
    lines = read(client.get(address.replace("/?", "/rows.csv?")))
    assert len(lines) == len(rows)
    assert sum(not goal.of for goal, _shown in told.values()) >= (19 if role == Role.ADMIN else 6)


def test_parts_and_channels_add_up_to_the_whole(house: House, clerk: Staff, at: At) -> None:
    loose = orders.record(
        source="pos", order_no="LOOSE", member_id=house.members["mine"].pk, total_cents=5_000, created_at=NOON - timedelta(hours=2),
        lines=[orders.NewLine(product_id=None, total_cents=5_000)],
    )  # fmt: skip
    orders.mark_paid(order_id=loose.pk, paid_at=NOON - timedelta(hours=2))
    rollup.roll_up(moment=NOON, days=22)
    client = at(Role.ADMIN)

    whole = EACH * (6 + 6) + 5_000
    for table, names in (("parts", {"华东", "华西"}), ("channels", set())):
        rows = read(client.get(reverse("console:headquarters_csv", args=[table])))
        assert sum(round(float(row[1]) * 100) for row in rows) == whole, table
        assert names <= {row[0] for row in rows}
    loose_part = next(
        one for one in client.get(reverse("console:headquarters")).context["parts"] if one["value"] == "¥50.00"
    )
    assert sums(client, loose_part["href"])[0] == 5_000
    east = next(one for one in client.get(reverse("console:headquarters")).context["parts"] if one["name"] == "华东")
    inside = client.get(east["open"])
    assert [one["name"] for one in inside.context["parts"]] == ["武康路店", "静安店"]


def test_deviation_and_pace_follow_the_share_of_the_month_that_is_over(house: House, clerk: Staff, at: At) -> None:
    month = months.of(NOVEMBER)
    assert month.elapsed == pytest.approx((21 * 24 + 12) / (30 * 24), abs=1e-6)
    told = months.standing(GOALS["orders.paid"], {"orders.paid": 30}, target=60, month=month)
    assert (told.due, told.deviation, told.foreseen) == (43, -13, 42)  # 60 × 0.7167, 30 ÷ 0.7167
    assert told.off == pytest.approx(-13 / 43)
    share = months.standing(GOALS["rate.again"], {"orders.again": 1, "orders.paid": 3}, target=5_000, month=month)
    assert (share.value, share.due, share.foreseen) == (3_333, 5_000, None)
    assert months.standing(GOALS["rate.again"], {}, target=5_000, month=month).value is None
    assert months.of(date(2026, 12, 1)).elapsed == 0

    targets.put(
        [Wish(month=NOVEMBER, figure="sales.net_cents", place=targets.BRAND, value=200_000)], by=by(house, Role.ADMIN)
    )
    page = at(Role.ADMIN).get(reverse("console:headquarters"))
    line = page.context["figures"][0]
    assert (line["value"], line["target"], line["due"]) == ("¥843.00", "¥2,000.00", "¥1,433.33")
    assert line["off"] in page.context["heading"].replace("behind", "−") or "41.2%" in page.context["heading"]


def test_nobody_sets_their_own_target_or_one_beyond_their_reach(house: House, clerk: Staff) -> None:
    far, manager = house.stores["far"], Staff.objects.get(user=house.users[Role.MANAGER])
    mine = house.stores["mine"]
    allowed = {
        Role.ADMIN: {"brand", "region", "mine", "far", "clerk", "manager"},
        Role.REGION_MANAGER: {"mine", "clerk", "manager"},
        Role.MANAGER: {"clerk"},
    }
    places = {
        "brand": targets.BRAND, "region": Place(region_id=mine.region_id), "mine": Place(store_id=mine.pk),
        "far": Place(store_id=far.pk), "clerk": Place(staff_id=clerk.pk), "manager": Place(staff_id=manager.pk),
    }  # fmt: skip
    for role, may in allowed.items():
        for name, place in places.items():
            wish = Wish(month=NOVEMBER, figure="orders.paid", place=place, value=7)
            if name in may:
                targets.put([wish], by=by(house, role))
            else:
                with pytest.raises(Forbidden):
                    targets.put([wish], by=by(house, role))
    with pytest.raises(Forbidden):
        targets.put(
            [Wish(month=NOVEMBER, figure="orders.paid", place=targets.BRAND, value=9)], by=by(house, Role.AUDITOR)
        )


def test_a_target_changed_keeps_its_history_and_the_database_holds_one(house: House, at: At) -> None:
    admin = by(house, Role.ADMIN)
    wishes = [Wish(month=NOVEMBER, figure="orders.paid", place=targets.BRAND, value=n) for n in (10, 10, 20)]
    assert [targets.put([wish], by=admin) for wish in wishes] == [1, 0, 1]
    history = at(Role.ADMIN).get(reverse("console:targets"), {"month": "2026-11"}).context["history"]
    assert [(one["before"], one["value"]) for one in history] == [("10", "20"), ("–", "10")]
    assert targets.in_force(month=NOVEMBER) == {("orders.paid", targets.BRAND): 20}
    entry = AuditEntry.objects.filter(action="target.set").latest("pk")
    assert (entry.before["value"], entry.after["value"]) == (10, 20)  # type: ignore[index]
    with pytest.raises(IntegrityError), transaction.atomic():
        Target.objects.create(month=NOVEMBER, figure="orders.paid", value=5, way="hand")

    targets.put([Wish(month=NOVEMBER, figure="orders.paid", place=targets.BRAND, value=None)], by=admin)
    assert targets.in_force(month=NOVEMBER) == {}


def test_a_file_of_targets_counts_whole_or_not_at_all_and_comes_back_as_it_was_written(house: House, at: At) -> None:
    client = at(Role.ADMIN)
    good = (
        "month,level,code,channel,figure,target\n2026-11,brand,,,sales.net_cents,12345.60\n"
        "2026-11,store,MINE,mini-program,orders.paid,40\n2026-11,staff,C-clerk,,orders.paid,12\n"
        "2026-11,region,华东,,rate.again,35%\n"
    )

    def send(text: str, who: Client = client):
        return who.post(reverse("console:target_file"), {"file": SimpleUploadedFile("t.csv", text.encode())})

    bad = send(
        good + "2026-11,store,NONE,,orders.paid,1\n2026-11,brand,,,rate.again,101%\n2026-11,brand,,,sales.net_cents,1\n"
    )
    assert bad.status_code == 422
    assert [number for number, _why in bad.context["faults"]] == [6, 7, 8]
    assert not Target.objects.exists()

    assert send(good).status_code == 302
    assert targets.in_force(month=NOVEMBER)[("rate.again", Place(region_id=house.stores["mine"].region_id))] == 3_500
    written = client.get(reverse("console:targets_csv"), {"month": "2026-11"}).content.decode("utf-8-sig")
    assert send(written).status_code == 302
    assert Target.objects.count() == 4

    refused = send("month,level,code,figure,target\n2026-11,store,FAR,orders.paid,3\n", at(Role.REGION_MANAGER))
    assert refused.status_code == 422


def test_pay_follows_the_rule_line_by_line(house: House) -> None:
    make = {"percent": 100, "first_month": NOVEMBER, "user_id": None}
    pay.make(kind="share", figure="orders.paid", rate=150, **make)  # 1.5% of what was kept, whatever figure was said
    pay.make(kind="each", figure="orders.again", rate=200, **make)
    pay.make(kind="reached", figure="sales.net_cents", rate=50_000, **make | {"percent": 90})
    rules = pay.in_force(month=NOVEMBER)
    sold = {"sales.paid_cents": 100_033, "sales.refunded_cents": 10_000, "orders.again": 3}

    def cents(goal: int, sums: dict[str, int] = sold) -> list[int]:
        return [line.cents for line in pay.of(rules, sums=sums, goals={"sales.net_cents": goal})]

    assert cents(100_036) == [1_350, 600, 50_000]  # 90,033 × 1.5% = 1,350.495; 90% of the goal is 90,032.4
    assert cents(100_038) == [1_350, 600, 0]
    assert [line.cents for line in pay.of(rules, sums=sold, goals={})] == [1_350, 600, 0]
    assert cents(1, {"sales.paid_cents": 5, "sales.refunded_cents": 900}) == [0, 0, 0]


def test_a_line_that_ended_pays_its_months_and_no_other(house: House) -> None:
    row = pay.make(
        kind="each", figure="orders.paid", rate=100, percent=100, first_month=date(2026, 10, 1), user_id=None
    )
    pay.end(incentive_id=row.pk, last_month=date(2026, 10, 1), user_id=None)

    counted = [bool(pay.in_force(month=month)) for month in (date(2026, 9, 1), date(2026, 10, 1), NOVEMBER)]
    assert counted == [False, True, False]
    assert AuditEntry.objects.filter(action__startswith="incentive.").count() == 2


def test_people_are_paid_for_what_they_did_in_the_readers_stores_alone(house: House, clerk: Staff, at: At) -> None:
    order = Order.objects.get(order_no__startswith="DAY-far-0")
    Order.objects.filter(pk=order.pk).update(guide=clerk)
    rollup.roll_up(moment=NOON, days=22)
    pay.make(kind="share", figure="", rate=1_000, percent=100, first_month=NOVEMBER, user_id=None)
    targets.put(
        [Wish(month=NOVEMBER, figure="orders.paid", place=Place(staff_id=clerk.pk), value=4)],
        by=by(house, Role.MANAGER),
    )

    for role, sold, is_part in ((Role.MANAGER, 1, True), (Role.ADMIN, 2, False)):
        client = at(role)
        page = client.get(reverse("console:incentives"))
        one = next(row for row in page.context["people"] if row["staff"] == clerk)
        assert (one["kept"], one["is_part"]) == (EACH * sold, is_part)
        assert one["cents"] == (EACH * sold + 5) // 10
        assert one["cells"][1]["goal"] == "4"
        total, rows = sums(client, one["cells"][0]["href"])
        assert total == EACH * sold
        assert {row["store_id"] for row in rows} <= {house.stores["mine"].pk} | (
            {order.store_id} if role == Role.ADMIN else set()
        )
        line = next(row for row in read(client.get(reverse("console:incentives_csv"))) if row[1] == clerk.code)
        assert f"{EACH * sold / 100:.2f}" in line
    body = at(Role.MANAGER).get(reverse("console:incentives")).content.decode()
    assert house.stores["far"].name not in body


def test_only_head_office_changes_the_rule(house: House, at: At) -> None:
    said = {"kind": "each", "figure": "orders.paid", "rate": "2.50", "percent": "100", "month": "2026-11"}
    at(Role.ANALYST).post(reverse("console:incentives"), said)
    assert not Incentive.objects.exists()

    assert at(Role.ADMIN).post(reverse("console:incentives"), said | {"rate": "0"}).status_code == 422
    assert at(Role.ADMIN).post(reverse("console:incentives"), said).status_code == 302
    assert Incentive.objects.get().rate == 250


def test_the_scorecard_says_only_what_was_noted_and_its_sums_are_rows(house: House, clerk: Staff, at: At) -> None:
    client = at(Role.ADMIN)
    page = client.get(reverse("console:headquarters"))
    rows = {row["label"]: row for _name, lines in page.context["dimensions"] for row in lines}
    assert len(rows) == 6  # no costs were entered, so no cost of a member
    told = {row[1]: row[2:] for row in read(client.get(reverse("console:headquarters_csv", args=["scorecard"])))}
    assert set(told) == {str(label) for label in rows}
    for row in rows.values():
        for side in ("part", "whole"):
            if "/rows/" in row[f"{side}_url"]:
                shown = client.get(row[f"{side}_url"]).context
                assert (shown["sum"], shown["counted"]) == (row[side], ""), row["label"]
    worth = next(iter(rows.values()))
    assert (worth["part"], worth["whole"]) == ("¥300.00", "3")


def test_another_stores_place_counts_as_not_chosen(house: House, clerk: Staff, at: At) -> None:
    manager, far = at(Role.MANAGER), house.stores["far"]
    for place in (f"store-{far.pk}", f"region-{far.region_id}", "none", "nonsense"):
        for route, args in (
            ("headquarters", ()), ("headquarters_csv", ("figures",)), ("headquarters_rows", ("sales.net_cents",)),
            ("headquarters_rows_csv", ("orders.guided",)), ("incentives", ()), ("incentives_csv", ()), ("targets", ()),
        ):  # fmt: skip
            body = manager.get(reverse(f"console:{route}", args=args), {"place": place}).content.decode()
            assert far.name not in body, route
            assert "DAY-far" not in body, route


def test_with_new_figures_the_past_is_counted_anew_once(house: House) -> None:
    rollup.roll_up(moment=NOON)
    DailyFigure.objects.filter(name=rollup.ROLLED).update(value=1)

    assert (NOON.date() - rollup.roll_up(moment=NOON).first).days == rollup.FIRST_DAYS - 1
    assert (NOON.date() - rollup.roll_up(moment=NOON).first).days == rollup.DAYS - 1


def test_pages_ask_the_same_number_of_questions_whatever_the_month_held(
    house: House, clerk: Staff, at: At, django_assert_max_num_queries
) -> None:
    client = at(Role.ADMIN)
    for route, most in (("headquarters", 34), ("incentives", 22), ("targets", 24)):
        client.get(reverse(f"console:{route}"))
        with django_assert_max_num_queries(most):
            client.get(reverse(f"console:{route}"))


def test_all_sources_of_months_can_be_listed_by_channel(house: House, clerk: Staff, at: At) -> None:
    client = at(Role.ADMIN)
    for name in sources.LISTED:
        assert client.get(reverse("console:headquarters_rows", args=[name]), {"via": "mini-program"}).status_code == 200


def test_what_a_campaign_brought_for_its_cost_is_its_orders_and_its_costs_to_the_fen(house: House, at: At) -> None:
    """A journey that cost 30.00 and 5 fen of messages and brought an order; a policy outside journeys that cost alone."""
    journey = Journey.objects.create(key="back", name="回来看看")
    policy = Policy.objects.create(key="back.send", name="回来看看短信", journey=journey)
    version = Version.objects.create(policy=policy, number=1)
    for where, of in (("mine", policy), ("far", house.policy)):
        touch = Touch.objects.create(
            policy=of, version=version, member=house.members[where], occurrence=f"r:{where}", channel="sms", state="sent",
            decided_at=NOON - timedelta(days=3),
        )  # fmt: skip
        Attempt.objects.create(
            touch=touch, number=1, key=f"r:{where}", state="accepted", at=touch.decided_at, cost_cents=5
        )
    for number, about in enumerate(({"journey": journey}, {"policy": policy}, {"policy": house.policy})):
        Cost.objects.create(
            **about, channel="ads", day=date(2026, 11, 2 + number), amount_cents=1_500, source=f"s{number}"
        )
    Cost.objects.create(journey=journey, channel="ads", day=date(2026, 10, 31), amount_cents=9_900, source="october")
    october = NOON - timedelta(days=24)  # within 28 days, and no order of November
    touch = Touch.objects.create(
        policy=policy, version=version, member=house.members["mine"], occurrence="october", channel="sms", state="sent",
        decided_at=october - timedelta(hours=9),
    )  # fmt: skip
    row = orders.record(
        source="pos", order_no="R-october", member_id=house.members["mine"].pk, total_cents=100, created_at=october,
        lines=[orders.NewLine(product_id=None, total_cents=100)], store_id=house.stores["mine"].pk,
    )  # fmt: skip
    orders.mark_paid(order_id=row.pk, paid_at=october)
    for where, cents in (("mine", 8_050), ("far", 500)):
        row = orders.record(
            source="pos", order_no=f"R-{where}", member_id=house.members[where].pk, total_cents=cents,
            created_at=NOON - timedelta(days=1), lines=[orders.NewLine(product_id=None, total_cents=cents)],
            store_id=house.stores[where].pk,
        )  # fmt: skip
        orders.mark_paid(order_id=row.pk, paid_at=NOON - timedelta(days=1))
    attribution.refresh(moment=NOON)
    rollup.roll_up(moment=NOON, days=22)

    client = at(Role.ADMIN)
    page = client.get(reverse("console:headquarters"))
    lines = {line["name"]: line for line in page.context["returns"]}
    told = read(client.get(reverse("console:headquarters_csv", args=["returns"])))
    assert {row[0]: row[1:3] for row in told} == {"回来看看": ["30.00", "0.05"], "不属于旅程的策略": ["15.00", "0.05"]}
    mine = lines["回来看看"]
    rows = client.get(mine["href"]).context["rows"]
    assert {row["order_no"] for row in rows} == {"R-mine"}
    brought = sum(row["last_cents"] for row in rows)
    assert (mine["brought"], True) == (money.show(brought), brought == 8_050)
    (gain,) = (float(row[4]) for row in told if row[0] == "回来看看")
    assert gain == pytest.approx((brought - 3_005) / 3_005, abs=0.0001)
    assert page.context["returns"][0] == mine  # what cost most stands first
    (measure,) = (one for _name, some in page.context["dimensions"] for one in some if one["whole"] == "¥45.10")
    assert measure["value"] == f"¥{sum(round(float(row[3]) * 100) for row in told) / 4_510:.2f}"
    assert at(Role.MANAGER).get(reverse("console:headquarters")).context["returns"] == []
    assert (
        client.get(reverse("console:headquarters"), {"place": f"store-{house.stores['mine'].pk}"}).context["returns"]
        == []
    )


def test_the_less_a_new_member_costs_the_better_and_who_is_active_stands_as_of_the_last_count(
    house: House, at: At
) -> None:
    """20.00 were spent on those who joined in November, 1.00 each wanted. Of two members of 28 days one was active, later both."""
    Cost.objects.create(policy=house.policy, channel="ads", day=date(2026, 11, 3), amount_cents=2_000, source="c")
    members.register(
        source="portal", member_no="NEW", home_store_id=house.stores["mine"].pk, joined_at=NOON - timedelta(days=2)
    )
    for day, active in ((20, 1), (22, 2)):
        for store in (0, house.stores["mine"].pk):
            for name, value in zip(figures.ENGAGED, (active, 2), strict=True):
                DailyFigure.objects.create(name=name, store_id=store, on=date(2026, 11, day), value=value, as_of=NOON)
    rollup.roll_up(moment=NOON, days=22)
    put = [Wish(month=NOVEMBER, figure="rate.joining", place=Place(), value=100)]
    put += [Wish(month=NOVEMBER, figure="rate.engaged", place=Place(store_id=house.stores["mine"].pk), value=5_000)]
    targets.put(put, by=by(house, Role.ADMIN))
    with pytest.raises(ValidationFailed):
        targets.put(
            [Wish(month=NOVEMBER, figure="rate.joining", place=put[1].place, value=1)], by=by(house, Role.ADMIN)
        )

    joined = Member.objects.filter(joined_at__gte=house_clock.day_start(NOVEMBER)).count()
    lines = {str(line["name"]): line for line in at(Role.ADMIN).get(reverse("console:headquarters")).context["figures"]}
    cost = lines["获客成本"]
    assert (cost["value"], cost["target"], cost["is_behind"]) == (money.show(round(2_000 / joined)), "¥1.00", True)
    mine = {
        str(line["name"]): line for line in at(Role.MANAGER).get(reverse("console:headquarters")).context["figures"]
    }
    assert "获客成本" not in mine
    share = mine["活跃会员占比"]
    assert (share["value"], share["target"], share["is_behind"]) == ("100.0%", "50.0%", False)
