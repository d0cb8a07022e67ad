"""The pages of tracked codes: what one can make, who sees which, and what the figures say."""

import csv
import io
from datetime import timedelta

import pytest
import segno
from django.test import Client
from django.utils import translation

from apps.activity import codes, services
from apps.activity.models import Code
from apps.activity.robots import Look
from apps.members import services as members
from apps.orders import services as orders
from apps.stores.models import Role
from tests.activity.made import NOON
from tests.console import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def enter(house):
    def log_in(role: str) -> Client:
        client = Client(headers={"accept-language": "en"})
        world.enter(client, house.users[role])
        return client

    yield log_in
    translation.deactivate()  # a request leaves its language behind


def bought_by_scan(house, where: str = "mine") -> int:
    """Somebody scans, registers, and buys twice; one order is given back."""
    code = house.codes[where]
    codes.follow(slug=code.slug, anonymous_id="browser-0001", look=Look(agent="Mozilla/5.0 MicroMessenger/8.0"))
    codes.follow(slug=code.slug, anonymous_id="browser-0002", look=Look(agent="Mozilla/5.0 MicroMessenger/8.0"))
    codes.follow(slug=code.slug, anonymous_id="", look=Look(agent="curl/8"))
    member = members.register(source=codes.source_of("browser-0001", otherwise="portal"))
    services.stitch(anonymous_id="browser-0001", member_id=member)
    for number, cents in (("1", 20_000), ("2", 5_000)):
        order = orders.record(
            source="pos", order_no=f"SCAN-{number}", member_id=member, lines=[], total_cents=cents, created_at=NOON
        )
        orders.mark_paid(order_id=order.pk, paid_at=NOON + timedelta(seconds=1))
    orders.refund(order_id=order.pk, source="t:1")
    return member


def test_a_code_is_made_and_its_page_shows_link_and_picture(house, enter):
    client = enter(Role.MARKETER)

    answer = client.post(
        "/console/codes/new/",
        {"name": "双十一海报", "target": "/my/", "channel": "poster", "campaign": "双十一", "store": house.stores["far"].pk,
         "staff": "C-clerk"},
        follow=True,
    )  # fmt: skip

    made = Code.objects.get(name="双十一海报")
    page = answer.content.decode()
    assert (made.store, made.staff.code, made.created_by) == (
        house.stores["far"], "C-clerk", house.users[Role.MARKETER],
    )  # fmt: skip
    assert f"http://testserver/s/{made.slug}" in page
    assert "<svg" in page
    assert f"code:{made.slug}" in page


def test_the_printed_address_is_the_public_one(house, enter, settings):
    settings.PUBLIC_URL = "https://club.example.com"

    page = enter(Role.MARKETER).get("/console/codes/codemine/").content.decode()

    assert "https://club.example.com/s/codemine" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("target", "https://evil.example/", "allowed"), ("slug", "ab", "4 to 12"), ("slug", "codemine", "already exists"),
     ("staff", "C-nobody", "Nobody active"), ("name", "", "required")],
)  # fmt: skip
def test_a_form_that_cannot_be_kept_says_where_and_makes_nothing(house, enter, field, value, words):
    given = {"name": "x", "target": "/my/", "channel": "poster"} | {field: value}

    answer = enter(Role.MARKETER).post("/console/codes/new/", given)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Code.objects.count() == 3


def test_a_manager_makes_codes_for_their_own_store_only_and_sees_no_other(house, enter):
    client = enter(Role.MANAGER)
    given = {"name": "x", "target": "/my/", "channel": "counter"}

    elsewhere = client.post("/console/codes/new/", given | {"store": house.stores["far"].pk})
    nowhere = client.post("/console/codes/new/", given)
    here = client.post("/console/codes/new/", given | {"store": house.stores["mine"].pk})

    assert (elsewhere.status_code, nowhere.status_code, here.status_code) == (422, 422, 302)
    listed = client.get("/console/codes/").content.decode()
    assert "海报mine" in listed
    assert "海报far" not in listed
    for path in ("", "qr.svg"):
        assert client.get(f"/console/codes/codefar/{path}").status_code == 404
    assert client.post("/console/codes/codefar/stop/").status_code == 404
    assert Code.objects.get(slug="codefar").stopped_at is None
    assert "海报far" not in client.get("/console/codes.csv").content.decode()


def test_the_list_says_what_each_code_brought_without_refunds_and_robots(house, enter):
    bought_by_scan(house)

    rows = {row["id"]: row for row in _rows(enter(Role.ANALYST))}

    assert rows["codemine"] == {"id": "codemine", "scans": "2", "people": "2", "robots": "1", "registrations": "1",
                                "buyers": "1", "orders": "1", "net": "200.00"}  # fmt: skip
    assert rows["codefar"]["scans"] == "0"


def _rows(client: Client) -> list[dict[str, str]]:
    text = client.get("/console/codes.csv").content.decode("utf-8-sig")
    return [
        {"id": row["Short code"], "scans": row["Scans"], "people": row["People"], "robots": row["Robots"],
         "registrations": row["Registrations"], "buyers": row["Buyers"], "orders": row["Orders"], "net": row["Net spent"]}
        for row in csv.DictReader(io.StringIO(text))
    ]  # fmt: skip


def test_filters_narrow_the_list_and_the_file_alike(house, enter):
    client = enter(Role.MARKETER)
    codes.stop(code_id=house.codes["far"].pk)

    assert "海报far" not in client.get("/console/codes/?state=on").content.decode()
    assert "海报far" in client.get("/console/codes/?state=off").content.decode()
    assert [row["id"] for row in _rows_of(client, "state=off")] == ["codefar"]
    assert "Drop all filters" in client.get("/console/codes/?channel=sms").content.decode()


def _rows_of(client: Client, query: str) -> list[dict[str, str]]:
    text = client.get(f"/console/codes.csv?{query}").content.decode("utf-8-sig")
    return [{"id": row["Short code"]} for row in csv.DictReader(io.StringIO(text))]


def test_a_code_is_stopped_and_used_again_from_its_page(house, enter):
    client = enter(Role.MARKETER)

    stopped = client.post("/console/codes/codemine/stop/", follow=True).content.decode()
    again = client.post("/console/codes/codemine/resume/", follow=True).content.decode()

    assert "Its figures stay" in stopped
    assert "in use again" in again


def test_the_picture_for_the_printer_is_an_svg_file(house, enter):
    answer = enter(Role.AUDITOR).get("/console/codes/codemine/qr.svg")

    assert answer["Content-Type"] == "image/svg+xml"
    assert "code-codemine.svg" in answer["Content-Disposition"]
    picture = answer.content.decode()
    side = segno.make("http://testserver/s/codemine", error="m", micro=False).symbol_size(border=4)[0]
    assert f'viewBox="0 0 {side} {side}"' in picture
    assert "width=" not in picture  # it scales whole, and is never cut


def test_an_auditor_reads_and_changes_nothing(house, enter):
    client = enter(Role.AUDITOR)

    assert client.get("/console/codes/").status_code == 200
    assert client.post("/console/codes/codemine/stop/").status_code == 403
    assert client.get("/console/codes/new/").status_code == 403


def test_behaviour_stands_in_the_members_timeline_in_words(house, enter):
    member = house.members["mine"]
    for name, properties in (
        ("searched", {"query": "羊毛围巾"}),
        ("added_to_cart", {"sku": "P00017", "quantity": 1, "price_cents": 12_900}),
        ("live_watched", {"live": "L7", "seconds": 300}),
        ("custom.quiz_done", {"score": 7}),
    ):
        services.ingest(
            batch=[{"event_id": f"{hash(name) % 10**8:08d}-0000-4000-8000-000000000001", "name": name,
                    "occurred_at": NOON.isoformat(), "properties": properties}],
            member_id=member.pk, anonymous_id="", source="portal",
        )  # fmt: skip

    page = enter(Role.ANALYST).get(f"/console/members/{house.member_id('mine')}/").content.decode()

    for words in (
        "Searched",
        "羊毛围巾",
        "Put into the cart",
        "P00017 · ¥129.00",
        "5 minutes",
        "Own event “quiz_done”",
    ):
        assert words in page
