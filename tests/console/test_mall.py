"""The points mall on staff pages: the shelf, its stock, exchanges and what may be done to them, each within the reader's stores."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.analytics.lists import exchanges as listed
from apps.core import ids, jobs
from apps.core.models import AuditEntry, Job
from apps.points import mall
from apps.points import services as points
from apps.points.models import Account, Exchange, Reward, RewardPicture, StockChange, StoreStock
from apps.stores.models import Role
from tests import pictures_made
from tests.console.world import House
from tests.points.gifts import Took, gift, rich, take

At = Callable[..., Client]
NEW = {
    "kind": "gift", "name": "帆布袋", "name_en": "Canvas bag", "motif": "bag", "points": "300", "cash_cents": "9.90",
    "pick_up_days": "30", "stock": "5", "auto_per_day": "2", "request_key": "token-token-token",
}  # fmt: skip


def took(house: House, where: str, reward: Reward, *, store: str = "", source: str = "a") -> Took:
    member = house.members[where]
    rich(member, 1000)
    store_id = house.stores[store].pk if store else None
    return take(member, reward, source, store_id=store_id, moment=house.moment)


def limited(house: House, *stores: str) -> Reward:
    reward = gift("limited", is_store_limited=True, left=None)
    for store in stores:
        StoreStock.objects.create(reward=reward, store=house.stores[store], left=3)
    return reward


def page_of(taken: Took, name: str = "exchange") -> str:
    return reverse(f"console:{name}", args=[ids.encode("exg", taken.exchange.pk)])


def test_a_reward_is_made_off_the_shelf_with_picture_price_and_pieces_and_once(house: House, at: At):
    photo = pictures_made.drawn("PNG", size=(1200, 600))

    def send():
        picture = SimpleUploadedFile("a.png", photo, "image/png")
        return at(Role.MARKETER).post(reverse("console:reward_new"), NEW | {"file": picture})

    first, again = send(), send()

    row = Reward.objects.get()
    page = reverse("console:reward", args=[ids.encode("rwd", row.pk)])
    assert (first.status_code, first["Location"], again["Location"]) == (302, page, page)
    assert (row.name, row.points, row.cash_cents, row.left, row.is_active, row.ends_at) == (
        "帆布袋",
        300,
        990,
        5,
        False,
        None,
    )
    assert (row.auto_from, row.auto_per_day) == (None, 2)
    assert (row.picture.width, row.picture.height, RewardPicture.objects.count()) == (960, 480, 1)
    shown = Client().get(reverse("portal:reward_picture", args=[row.picture_id]))
    assert (shown["Content-Type"], shown.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    change = StockChange.objects.get()
    assert (change.change, change.left_after, change.by.code) == (5, 5, "C-marketer")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("points", "0", "礼品至少需要 1 积分"),
        ("cash_cents", "9.999", "12.50"),
        ("last", "2026-01-01", "结束日期不能早于开始日期"),
        ("is_store_limited", "on", "请留空"),
        ("auto_from", "299", "不能少于所需积分"),
        ("auto_from", "300", "只有不收现金"),
        ("auto_per_day", "11", "每天 1 到 10 次"),
        ("per_days", "7", "请填写每位会员在这段时间内最多可兑换的数量"),
        ("file", SimpleUploadedFile("a.jpg", b"GIF89a..", "image/jpeg"), "JPEG"),
    ],
)
def test_a_reward_that_cannot_be_is_refused_at_its_field_and_nothing_is_kept(
    at: At, field: str, value: object, words: str
):
    answer = at(Role.MARKETER).post(reverse("console:reward_new"), NEW | {"first": "2026-12-01", field: value})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert (Reward.objects.count(), RewardPicture.objects.count()) == (0, 0)


def test_changing_a_reward_leaves_stock_key_and_untouched_moments(house: House, at: At):
    reward = gift(left=7, starts_at=house.moment, points=50)
    url = reverse("console:reward_edit", args=[ids.encode("rwd", reward.pk)])

    at(Role.MARKETER).post(
        url, {**NEW, "name": "新名字", "first": "2026-11-22", "left": "900", "taken": "9", "key": "other"}
    )

    row = Reward.objects.get()
    assert (row.name, row.points, row.left, row.taken, row.key, row.starts_at) == (
        "新名字",
        300,
        7,
        0,
        "gift",
        house.moment,
    )


def test_a_copy_stands_off_the_shelf_without_pieces(house: House, at: At):
    reward = gift(left=7, taken=3, per_member=2)
    client, url = at(Role.MARKETER), f"{reverse('console:reward_new')}?from={ids.encode('rwd', reward.pk)}"
    form = client.get(url).context["form"]
    said = {name: form[name].value() for name in form.fields}

    client.post(url, {name: value for name, value in said.items() if value not in (None, "", False, [])})

    twin = Reward.objects.exclude(pk=reward.pk).get()
    assert (twin.name, twin.left, twin.taken, twin.per_member, twin.is_active) == (
        "礼品gift（副本）",
        None,
        0,
        2,
        False,
    )


def test_the_shelf_is_taken_from_and_filled_by_state(house: House, at: At):
    on, off = gift("on", name="茶"), gift("off", name="杯", is_active=False)
    gift("gone", name="花", left=0)
    client = at(Role.MARKETER)

    client.post(reverse("console:reward_shelf", args=[ids.encode("rwd", on.pk)]), {"wish": "off"})
    client.post(reverse("console:reward_shelf", args=[ids.encode("rwd", off.pk)]), {"wish": "on"})
    lists = {
        state: {row.shelved.reward.key for row in client.get(f"/console/points/rewards/?state={state}").context["rows"]}
        for state in ("on", "off", "gone")
    }

    assert lists == {"on": {"off"}, "off": {"on"}, "gone": {"gone"}}
    assert [row.shelved.reward.key for row in client.get("/console/points/rewards/?q=杯").context["rows"]] == ["off"]


def test_a_manager_sees_and_changes_the_stock_of_their_own_store_alone(house: House, at: At):
    reward = limited(house, "mine", "far")
    elsewhere = gift("elsewhere", is_store_limited=True, left=None)
    StoreStock.objects.create(reward=elsewhere, store=house.stores["far"], left=1)
    url = reverse("console:reward_stock", args=[ids.encode("rwd", reward.pk)])
    form = {"change": "-2", "reason": "两件破损", "request_key": "token-token-token"}
    client = at(Role.MANAGER)

    listed = client.get("/console/points/rewards/")
    foreign = client.post(url, form | {"store": house.stores["far"].pk})
    twice = [client.post(url, form | {"store": house.stores["mine"].pk}).status_code for _ in range(2)]
    too_many = client.post(url, form | {"store": house.stores["mine"].pk, "request_key": "other-other-other"})

    assert [(row.shelved.reward.key, row.shelved.left) for row in listed.context["rows"]] == [("limited", 3)]
    assert (foreign.status_code, twice, too_many.status_code) == (422, [302, 302], 409)
    assert dict(StoreStock.objects.filter(reward=reward).values_list("store__code", "left")) == {"MINE": 1, "FAR": 3}
    assert [(one.change, one.reason, one.by.code) for one in StockChange.objects.all()] == [
        (-2, "两件破损", "C-manager")
    ]
    assert client.post(reverse("console:reward_stock", args=[ids.encode("rwd", gift().pk)]), form).status_code == 403


def test_a_store_sees_what_waits_there_what_it_gave_out_and_what_its_members_may_fetch_anywhere(house: House, at: At):
    anywhere, kept = gift("anywhere"), limited(house, "mine", "far")
    own, foreign = took(house, "mine", anywhere), took(house, "far", anywhere)
    here, there = took(house, "far", kept, store="mine", source="b"), took(house, "mine", kept, store="far", source="b")
    given = took(house, "near", anywhere)
    counter = mall.Counter(store_id=house.stores["mine"].pk, staff_id=None, guesser="staff:1")
    mall.hand_over(code=given.code, at=counter, moment=house.moment)
    clerk = at(Role.CLERK)

    listed = {row["id"] for row in clerk.get("/console/points/exchanges/").context["rows"]}

    assert listed == {one.exchange.pk for one in (own, here, given)}
    assert [clerk.get(page_of(one)).status_code for one in (own, foreign, here, there)] == [200, 404, 200, 404]
    assert len(at(Role.AGENT).get("/console/points/exchanges/").context["rows"]) == 5


def test_an_exchange_is_found_by_member_or_number_and_what_was_typed_stands_in_no_address(house: House, at: At):
    taken, other = took(house, "mine", gift()), took(house, "far", gift("b"))
    agent = at(Role.AGENT)

    by_name = agent.post("/console/points/exchanges/", {"q": "沈mine"})
    by_phone = agent.post("/console/points/exchanges/", {"q": "0003"})
    by_number = agent.post("/console/points/exchanges/", {"q": ids.encode("exg", other.exchange.pk)})

    assert [row["id"] for row in by_name.context["rows"]] == [taken.exchange.pk]
    assert [row["id"] for row in by_phone.context["rows"]] == [other.exchange.pk]
    assert by_number["Location"] == page_of(other)
    assert "沈mine" not in by_phone.content.decode()


def test_the_page_of_an_exchange_tells_its_life_and_hides_the_name(house: House, at: At):
    taken = took(house, "mine", gift(cash_cents=990))
    agent = at(Role.AGENT)

    unpaid = agent.get(page_of(taken)).content.decode()
    agent.post(page_of(taken, "exchange_paid"), {"ref": "POS-1"})
    paid = agent.get(page_of(taken)).content.decode()

    assert "还需在 12:15 前支付 ¥9.90" in unpaid
    assert "已支付 ¥9.90" in paid
    assert "POS-1" in paid
    assert "沈mine" not in paid
    assert (Exchange.objects.get().state, Exchange.objects.get().paid_ref) == ("ready", "POS-1")
    assert AuditEntry.objects.filter(action="exchange.paid").count() == 1


def test_cancelling_needs_a_reason_gives_points_back_and_names_the_cash(house: House, at: At):
    taken = took(house, "mine", gift(cash_cents=990, left=4))
    manager, url = at(Role.MANAGER), page_of(taken, "exchange_cancel")
    manager.post(page_of(taken, "exchange_paid"), {"ref": "POS-1"})

    without = manager.post(url, {"reason": " x "})
    assert (without.status_code, Exchange.objects.get().state) == (422, "ready")
    told = manager.post(url, {"reason": "包装破损"}, follow=True).content.decode()

    row = Exchange.objects.get()
    assert (row.state, row.why, row.note, row.closed_by.code, row.reward.left) == (
        "cancelled",
        "staff",
        "包装破损",
        "C-manager",
        4,
    )
    assert Account.objects.get(member=house.members["mine"], currency__key="points").balance == 1000
    assert "退还会员现金 ¥9.90" in told
    assert "包装破损" in told


def test_only_those_who_may_settle_cancel_and_with_a_fresh_proof(house: House, at: At):
    taken = took(house, "mine", gift())
    stale = at(Role.MANAGER)
    session = stale.session
    session["proved_at"] = house.moment.timestamp() - 3600
    session.save()

    asked = stale.post(page_of(taken, "exchange_cancel"), {"reason": "不要了不要了"})
    refused = at(Role.CLERK).post(page_of(taken, "exchange_cancel"), {"reason": "不要了不要了"})

    assert asked["Location"].startswith("/console/account/confirm/")
    assert refused.status_code == 403
    assert Exchange.objects.get().state == "ready"


def test_the_list_becomes_a_file_masked_unless_the_role_may_see_numbers(house: House, at: At):
    taken = took(house, "mine", gift())
    took(house, "far", gift("b"), source="b")

    def rows(role: str, **form: str) -> list[dict[str, str]]:
        at(role).post(reverse("console:exchange_exports"), form)
        job = Job.objects.latest("pk")
        jobs.run(job_id=job.pk)
        job.refresh_from_db()
        text = jobs.result_path(job.result_file).read_text("utf-8-sig") if job.result_file else ""
        return list(csv.DictReader(io.StringIO(text)))

    mine, whole = rows(Role.MANAGER), rows(Role.ADMIN, what="full", reason="盘点")

    assert [(row["nickname"], row["phone"], row["points"], row["state"]) for row in mine] == [
        ("沈*e", "199****0001", "50", "ready")
    ]
    assert [(row["nickname"], row["phone"]) for row in whole] == [("沈far", "19900000003"), ("沈mine", "19900000001")]
    refused = at(Role.MARKETER).post(reverse("console:exchange_exports"), {"what": "full", "reason": "x x"})
    assert (refused.status_code, Job.objects.filter(kind="points.exchanges_export").count()) == (403, 2)
    assert taken.code not in str(whole)
    assert "脱敏 · 1</span>" in at(Role.MANAGER).get(reverse("console:exchange_exports")).content.decode()
    assert AuditEntry.objects.filter(action="exchanges.exported").count() == 2


def test_pages_of_the_list_follow_each_other(house: House, at: At, monkeypatch: pytest.MonkeyPatch):
    reward = gift(per_member=None)
    rich(house.members["mine"], 1000)
    made = [
        take(house.members["mine"], reward, str(n), moment=house.moment + timedelta(seconds=n)).exchange.pk
        for n in range(5)
    ]
    monkeypatch.setattr("apps.analytics.lists.exchanges.find", partial(listed.find, size=2))
    client, seen, query = at(Role.AGENT), [], ""

    while True:
        context = client.get(f"/console/points/exchanges/{query}").context
        seen += [row["id"] for row in context["rows"]]
        if not (query := context["older_url"]):
            break

    assert seen == made[::-1]


def rate_of(client: Client, query: str = "") -> dict[str, tuple[int, ...]]:
    """Store → could exchange, exchanged, exchanges, earned, spent."""
    return {
        name: rate.figures
        for name, rate in client.get(f"/console/points/rewards/rates/{query}").context["report"].stores
    }


def test_the_rate_counts_who_could_and_who_did_by_home_store_and_week(house: House, at: At):
    since = house.moment - timedelta(days=300)
    tea, dear = gift("tea", points=50, created_at=since), gift("dear", points=900, created_at=since)
    now, weeks = house.moment, timedelta(weeks=1)
    mine, near, far = (house.members[where].pk for where in ("mine", "near", "far"))
    forever = points.Terms(expiry={"kind": "never"})
    for member, amount, moment in ((mine, 400, now - 5 * weeks), (near, 49, now - weeks), (far, 200, now - 20 * weeks)):
        points.earn(member_id=member, amount=amount, source="order:1", terms=forever, moment=moment)
    points.spend(member_id=far, amount=160, source="x", moment=now - 19 * weeks)  # 40 left: not enough since
    for moment, source in ((now - 2 * weeks, "1"), (now, "2"), (now, "3")):
        last = take(house.members["mine"], tea, source, moment=moment)
    mall.cancel(exchange_id=last.exchange.pk, moment=now)
    assert dear.taken == 0

    found = at(Role.ANALYST).get("/console/points/rewards/rates/").context["report"]

    assert rate_of(at(Role.ANALYST)) == {"武康路店": (1, 1, 2, 400, 100), "静安店": (0, 0, 0, 49, 0)}
    assert found.whole.rate.figures == (1, 1, 2, 449, 100)
    assert [one.rate.figures for one in found.periods[-6:]] == [
        (1, 0, 0, 400, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0), (1, 1, 1, 0, 50), (1, 0, 0, 49, 0), (1, 1, 1, 0, 50)
    ]  # fmt: skip
    assert [(row["name"], row["taken"], row["waiting"], row["cancelled"], row["points"]) for row in found.rewards] == [
        ("礼品tea", 3, 2, 1, 100)
    ]
    assert rate_of(at(Role.MANAGER)) == {"武康路店": (1, 1, 2, 400, 100)}
    months = at(Role.ANALYST).get("/console/points/rewards/rates/?by=month").context["report"]
    assert months.whole.rate.figures == (2, 1, 2, 649, 100)


def test_the_tables_of_the_rate_are_files_with_the_same_figures(house: House, at: At):
    took(house, "mine", gift())

    def table(name: str) -> list[list[str]]:
        text = at(Role.MANAGER).get(f"/console/points/rewards/rates/{name}.csv").content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))[1:]

    assert table("stores") == [["武康路店", "1", "1", "100.0", "1", "1000", "50"]]
    assert table("periods")[-1] == ["2026-11-16", "2026-11-22", "1", "1", "100.0", "1", "1000", "50"]
    assert table("rewards") == [["礼品gift", "1", "1", "0", "0", "0", "50"]]
