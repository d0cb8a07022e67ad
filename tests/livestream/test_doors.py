"""The public feeds, the members' schedule, the planner's pages: what they answer and what they refuse."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.catalog import intake
from apps.catalog.intake import Item
from apps.catalog.prices import Terms, Who
from apps.core import clock, ids
from apps.core.models import User
from apps.livestream import joining, planning
from apps.livestream.models import Product, Reservation, Stream, Subscription
from apps.stores.models import Staff
from tests.console.world import enter
from tests.livestream.making import host, room
from tests.livestream.test_planning import limited, member
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def staff() -> User:
    user = User.objects.create_user("planner")
    Staff.objects.create(user=user, code="P1", name="排期", role="admin")
    return user


def tomorrow(title: str = "春茶专场", *, days: int = 1) -> Stream:
    day = clock.local_date(clock.now()) + days * DAY
    start = clock.day_start(day) + timedelta(hours=20)
    return planning.plan(
        wanted=planning.Wanted(
            title=title, room_id=room().pk, host_id=host().pk, starts_at=start, ends_at=start + timedelta(hours=2)
        )
    )


def test_a_feed_that_has_not_changed_is_answered_by_its_version_alone(client: Client) -> None:
    row = tomorrow()
    for route in ("live_json", "live_ics"):
        first = client.get(reverse(route))
        assert (first.status_code, first["Cache-Control"]) == (200, "public, max-age=60")
        assert "Cookie" not in first.get("Vary", "")
        again = client.get(reverse(route), HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
        planning.move(stream_id=row.pk, revision=Stream.objects.get().revision, starts_at=row.starts_at + DAY)
        moved = client.get(reverse(route), HTTP_IF_NONE_MATCH=first["ETag"])
        assert moved.status_code == 200
        row.refresh_from_db()
        planning.add_room(platform="douyin", name=row.room.name, url=f"https://live.example.com/{route}")
        assert client.get(reverse(route), HTTP_IF_NONE_MATCH=moved["ETag"]).status_code == 200
        row.refresh_from_db()
    found = json.loads(client.get(reverse("live_json")).content)["streams"]
    assert [(one["title"], one["host"], one["platform"], one["state"]) for one in found] == [
        ("春茶专场", "小满", "douyin", "planned")
    ]


def test_a_calendar_learns_that_a_stream_was_called_off_and_no_line_is_too_long(client: Client) -> None:
    row = tomorrow("春茶专场，" * 11 + "完; 了")
    text = client.get(reverse("live_one", args=[ids.encode("liv", row.pk)])).content.decode()
    assert "STATUS:CONFIRMED" in text
    assert r"完\; 了" in text.replace("\r\n ", "")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    planning.turn(stream_id=row.pk, to="cancelled")
    whole = client.get(reverse("live_ics")).content.decode()
    assert ("STATUS:CANCELLED" in whole, "SEQUENCE:2" in whole) == (True, True)
    assert "春茶" not in client.get(reverse("live_json")).content.decode()


def test_a_member_asks_to_be_reminded_with_one_tap_and_stops_with_another() -> None:
    row, me = tomorrow(), member(1)
    client = browser_of(me)
    page = client.get(reverse("portal:live")).content.decode()
    assert ("预约提醒" in page, "春茶专场" in page) == (True, True)
    address = reverse("portal:live_remind", args=[ids.encode("liv", row.pk)])
    client.post(address, {"do": "on"})
    client.post(address, {"do": "on"})
    assert list(Subscription.objects.values_list("member", "ended_at")) == [(me, None)]
    client.post(address, {"do": "off"})
    assert Subscription.objects.get().ended_at is not None


def test_a_member_has_a_piece_put_aside_once_and_gives_back_only_their_own() -> None:
    product, store = limited(quantity=1)
    Stream.objects.update(starts_at=clock.now() + DAY, ends_at=clock.now() + 2 * DAY)
    product = Product.objects.select_related("stream").get()
    client, stranger = browser_of(member(1)), browser_of(member(2))
    address = reverse("portal:live_reserve", args=[ids.encode("lvp", product.pk)])
    day = clock.local_date(product.stream.starts_at)
    form = {"store": ids.encode("sto", store.pk), "day": f"{day}", "token": "a" * 32}
    assert "p-price" not in client.get(address).content.decode()
    intake.take(Item("T1", list_cents=12_900, specials=[(9_900, "", Terms("*"))]), who=Who(source="test"))
    shown = client.get(address).content.decode()
    assert ("<b>¥99.00</b>" in shown, "会员价 · <del>¥129.00</del>" in shown) == (True, True)
    assert client.post(address, form | {"day": "nonsense"}).status_code == 422
    assert client.post(address, form).status_code == client.post(address, form).status_code == 302
    piece = Reservation.objects.get()
    back = reverse("portal:live_back", args=[ids.encode("lvr", piece.pk)])
    stranger.post(back)
    piece.refresh_from_db()
    assert piece.state == "open"
    client.post(back)
    piece.refresh_from_db()
    assert piece.state == "cancelled"


def test_what_is_in_the_way_is_shown_before_anything_is_saved_and_a_late_save_is_refused(client: Client) -> None:
    enter(client, staff())
    taken, other = tomorrow(), tomorrow("夜场", days=2)
    form = {"title": "新", "room": taken.room_id, "host": taken.host_id, "minutes": "60",
            "starts": f"{clock.local(taken.starts_at):%Y-%m-%dT%H:%M}", "products": "", "coupons": "", "note": ""}  # fmt: skip
    seen = client.post(reverse("console:live_conflicts"), form).content.decode()
    assert "春茶专场" in seen
    answer = client.post(reverse("console:live_new"), form)
    assert (answer.status_code, Stream.objects.count()) == (422, 2)

    move = reverse("console:live_move", args=[ids.encode("liv", other.pk)])
    shown = client.get(move, {"day": f"{clock.local_date(taken.starts_at)}"}).content.decode()
    assert ("春茶专场" in shown, 'name="revision"' in shown) == (True, False), "no button to save it"
    client.post(move, {"at": form["starts"], "revision": 1})
    other.refresh_from_db()
    assert clock.local_date(other.starts_at) == clock.local_date(taken.starts_at) + DAY

    free = f"{clock.local(other.starts_at) + DAY:%Y-%m-%dT%H:%M}"
    assert 'name="revision"' in client.get(move, {"at": free}).content.decode()
    client.post(move, {"at": free, "revision": 1})
    other.refresh_from_db()
    assert f"{clock.local(other.starts_at):%Y-%m-%dT%H:%M}" == free


def test_a_stream_is_changed_begun_and_seen_on_its_page(client: Client) -> None:
    enter(client, staff())
    row = tomorrow()
    joining.remind(stream_id=row.pk, member_id=member(9))
    page = reverse("console:live_stream", args=[ids.encode("liv", row.pk)])
    assert client.get(page).status_code == 200
    bad = {"title": "换", "room": row.room_id, "host": row.host_id, "minutes": "60", "revision": 1, "note": "",
           "starts": f"{clock.local(row.starts_at):%Y-%m-%dT%H:%M}", "products": "NONE = 3", "coupons": "none"}  # fmt: skip
    assert client.post(page, bad).status_code == 422
    assert client.post(page, bad | {"products": "", "coupons": ""}).status_code == 302
    client.post(reverse("console:live_turn", args=[ids.encode("liv", row.pk), "live"]))
    client.post(reverse("console:live_turn", args=[ids.encode("liv", row.pk), "cancelled"]))
    row.refresh_from_db()
    assert (row.title, row.state) == ("换", "live")
    for route in ("live", "live_new", "live_places", "live_pieces"):
        assert client.get(reverse(f"console:{route}")).status_code == 200
