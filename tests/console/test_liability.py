"""The page of what the shop owes in points: figures of the day asked for, the same in the files."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse

from apps.points import services as points
from apps.points import tallying
from apps.stores.models import Role
from tests.console.world import House

OCTOBER = datetime(2026, 10, 31, 15, 59, tzinfo=UTC)  # the last minute of the month in the shop


def rows(client: Client, chart: str, on: str) -> list[list[str]]:
    answer = client.get(reverse("console:liability_csv", args=[chart]) + f"?on={on}")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]


def test_the_figures_are_of_the_day_asked_for_and_the_same_in_the_files(house: House, at: Callable[..., Client]):
    client, url = at(Role.AUDITOR), reverse("console:liability")
    assert "还没有统计" in client.get(url).content.decode()
    mine, near = house.members["mine"].pk, house.members["near"].pk
    points.earn(member_id=mine, amount=12_345, source="order:1", moment=OCTOBER)
    points.earn(member_id=near, amount=600, source="order:2", moment=house.moment)
    points.earn(member_id=near, amount=55, source="order:3", terms=points.Terms(is_pending=True), moment=house.moment)
    points.spend(member_id=mine, amount=345, source="exchange:1", moment=house.moment)
    tallying.tally(moment=house.moment)

    then, now = client.get(url + "?on=2026-10-31").content.decode(), client.get(url).content.decode()

    assert "截至2026年10月31日，会员共有 12,345 积分" in then
    assert "¥123.45" in then
    assert "截至2026年11月22日，会员共有 12,655 积分" in now
    assert "¥126.55" in now
    assert rows(client, "cohorts", "2026-10-31") == [["2026年10月", "12345", "0", "0", "0", "0", "12345", "0", "", ""]]
    assert rows(client, "cohorts", "2026-11-22") == [
        ["2026年11月", "655", "0", "0", "0", "0", "655", "0", "", ""],
        ["2026年10月", "12345", "0", "0", "345", "0", "12000", "0", "", ""],
    ]
    assert rows(client, "history", "2026-11-22")[-2:] == [["2026年10月", "12,345"], ["2026年11月22日", "12,655"]]
    assert client.get(reverse("console:liability_csv", args=["none"])).status_code == 404
    assert client.get(url + "?on=9999-01-01&currency=x").context["view"].on.isoformat() == "2026-11-22"


def test_a_store_manager_sees_what_was_earned_in_their_own_store(house: House, at: Callable[..., Client]):
    member = house.members["near"].pk
    for key, amount in (("mine", 700), ("near", 31)):
        by = points.By(store_id=house.stores[key].pk)
        points.earn(member_id=member, amount=amount, source=key, by=by, moment=OCTOBER)
    points.earn(member_id=member, amount=5, source="birthday", moment=OCTOBER)
    points.spend(member_id=member, amount=200, source="exchange:1", moment=house.moment)
    tallying.tally(moment=house.moment)
    manager, all_of_them, url = at(Role.MANAGER), at(Role.AUDITOR), reverse("console:liability")
    near = house.stores["near"]

    mine, whole = manager.get(url), all_of_them.get(url)
    assert "会员共有 500 积分" in mine.content.decode()
    assert "会员共有 536 积分" in whole.content.decode()
    assert (near.name in mine.content.decode(), "谁持有" in mine.content.decode()) == (False, False)
    assert [row[0] + row[6] for row in rows(manager, "stores", "2026-11-22")] == ["武康路店500"]
    assert [row[0] + row[6] for row in rows(all_of_them, "stores", "2026-11-22")] == [
        "武康路店500", "静安店31", "不属于任何门店5",
    ]  # fmt: skip
    assert rows(manager, "history", f"2026-11-22&store={near.pk}")[-2:] == [
        ["2026年10月", "700"],
        ["2026年11月22日", "500"],
    ]
    assert rows(all_of_them, "cohorts", f"2026-11-22&store={near.pk}")[0][1] == "31"
    assert manager.get(reverse("console:liability_csv", args=["tiers"])).status_code == 404
    assert at(Role.CLERK).get(url).status_code == 403
