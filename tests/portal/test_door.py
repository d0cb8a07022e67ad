"""Who passes below /my/, and that a member's session and a staff session never mix."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.core import ids, tokens
from apps.core.models import User
from apps.members import services as members
from apps.members.models import Member
from apps.stores.models import Role, Staff
from tests.portal.doors import browser_of, family_of
from tests.tickets.test_articles import written

pytestmark = pytest.mark.django_db
TABLE = yaml.safe_load(settings.ACCESS_FILE.read_text())["routes"]
PREFIXES = {"message": "msg", "order": "ord", "session": "ses", "reward": "rwd", "exchange": "exg"}
COUPON = {"coupon": ids.encode("cpn", 5)}
OTHERS = {
    "portal:coupon_stores": COUPON, "portal:coupon_gift": COUPON, "portal:gift": {"token": "no-token"},
    "portal:booking_times": {"offer": "no-offer"}, "portal:booking_cancel": {"booking": "no-booking"},
    "portal:group_task": {"group_task": "no-task"},
    "portal:live_back": {"piece": "no-piece"}, "portal:live_reserve": {"product": "no-product"},
    "portal:live_remind": {"stream": "no-stream"}, "portal:card": {"card": "no-card"},
    "portal:help_article": {"article": "no-article"}, "portal:help_solved": {"article": "no-article"},
    "portal:ticket_photo": {"file": "no-file"}, "portal:ticket_vote": {"token": "no-token"},
    **{f"portal:ticket{act}": {"ticket": "no-ticket"} for act in ("", "_say", "_move", "_rate")},
}  # fmt: skip
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def addresses(need: str) -> list[str]:
    found = []
    for route in (name for name, wanted in TABLE.items() if name.startswith("portal:") and wanted == need):
        if route == "portal:reward_picture":
            continue  # a file, not a page; tests/console/test_mall.py opens it as a stranger
        if route in OTHERS:
            found.append(reverse(route, kwargs=OTHERS[route]))
            continue
        noun = route.removeprefix("portal:").removesuffix("_end").removesuffix("_confirm").removesuffix("_cancel")
        found.append(reverse(route, kwargs={noun: ids.encode(PREFIXES[noun], 5)} if noun in PREFIXES else {}))
    return found


@pytest.fixture
def member_id() -> int:
    return members.register(source="test", nickname="林若溪", phone="19900000011")


@pytest.fixture
def staff() -> Client:
    user = User.objects.create_user("lin", "long-enough-2026")
    Staff.objects.create(user=user, code="S1", name="Lin", role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return client


def test_strangers_and_staff_are_led_to_the_members_log_in(staff: Client):
    assert len(addresses("member")) > 20
    for client in (Client(), staff):
        for address in addresses("member"):
            answer = client.get(address)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/my/login/"), address
            assert client.post(address).status_code == 403, address


def test_public_pages_stand_for_everybody():
    article = ids.encode("art", written().pk)
    found = [
        one.replace("no-article", article) for one in addresses("public") if "no-token" not in one
    ]  # that link is walked
    assert len(found) >= 5
    for address in found:
        assert Client().get(address).status_code in {200, 405}, address


def test_a_member_is_nobody_in_the_back_office(member_id: int):
    client = browser_of(member_id)

    assert client.get("/my/").status_code == 200
    answer = client.get("/console/members/")

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/console/login/")


def test_staff_and_member_in_one_browser_keep_their_own_sessions(member_id: int, staff: Client):
    staff.cookies["my"] = browser_of(member_id).cookies["my"].value
    assert staff.get("/my/").status_code == 200
    assert staff.get("/console/members/").status_code == 200

    staff.post("/my/logout/")

    assert staff.get("/my/").status_code == 302
    assert staff.get("/console/members/").status_code == 200


def test_a_revoked_log_in_is_over_on_the_next_request(member_id: int):
    client = browser_of(member_id)
    assert client.get("/my/").status_code == 200

    tokens.revoke_family(family_id=family_of(client))

    assert client.get("/my/").status_code == 302


@pytest.mark.parametrize("status", [Member.Status.FROZEN, Member.Status.CANCELLED, Member.Status.ERASED])
def test_who_is_not_active_any_more_is_out_on_the_next_request(member_id: int, status: str):
    client = browser_of(member_id)
    Member.objects.filter(pk=member_id).update(status=status)

    assert client.get("/my/").status_code == 302


def test_the_cookie_goes_to_member_pages_only_and_lives_thirty_days_after_the_last_use(member_id: int, clock):
    clock(NOW)
    client = browser_of(member_id)
    clock(NOW + timedelta(hours=2))

    answer = client.get("/my/")

    cookie = answer.cookies["my"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/my/", True, "Lax")
    assert abs(cookie["max-age"] - 30 * 86_400) <= 1
    assert "sessionid" not in answer.cookies


def test_logging_out_ends_the_family_too_and_empties_the_browsers_store(member_id: int):
    client = browser_of(member_id)
    family = family_of(client)

    answer = client.post("/my/logout/")

    assert answer["Clear-Site-Data"] == '"cache"'
    assert answer.cookies["my"].value == ""
    assert tokens.of_family(family) is None


def test_a_fragment_asked_for_after_the_end_sends_the_whole_page_to_the_log_in():
    answer = Client().get("/my/inbox/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (403, "/my/login/")


def test_pages_of_members_are_kept_by_nobody(member_id: int):
    client = browser_of(member_id)

    for address in ("/my/", "/my/orders/", "/my/privacy/", "/my/login/"):
        assert client.get(address, follow=True)["Cache-Control"] == "private, no-cache"


def test_a_missing_page_looks_like_the_members_pages(member_id: int):
    answer = browser_of(member_id).get(f"/my/orders/{ids.encode('ord', 999)}/")

    assert answer.status_code == 404
    assert "portal/portal.css" in answer.content.decode()
    assert browser_of(member_id).get("/my/nowhere/").status_code == 404
