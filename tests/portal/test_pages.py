"""What members see of themselves, and that nobody sees another one's."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.core import clock, holdings, ids, tokens
from apps.core.clock import frozen
from apps.flows import privacy
from apps.flows.models import PrivacyRequest
from apps.gateways import inbox
from apps.gateways.models import InboxMessage
from apps.members import policy_texts, states
from apps.members import services as members
from apps.members.models import Consent, ConsentNow, Member
from apps.orders import services as orders
from apps.portal import held
from tests.portal.doors import browser_of, family_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def member_id() -> int:
    return members.register(source="test", nickname="林若溪", phone="19900000011")


@pytest.fixture
def other_id() -> int:
    return members.register(source="test", nickname="周远", phone="19900000012")


@pytest.fixture
def client(member_id: int) -> Client:
    return browser_of(member_id)


def write(member_id: int, count: int = 1) -> None:
    letters = [
        inbox.Letter(key=f"{member_id}:{n}", member_id=member_id, title=f"信{n:02d}", body="好") for n in range(count)
    ]
    inbox.deliver_batch(letters, moment=NOW)


def order(member_id: int, *, number: str, status: str = "paid", cents: int = 10_000, days: int = 3):
    made = orders.record(
        source="pos", order_no=number, member_id=member_id, total_cents=cents, created_at=NOW - timedelta(days=days),
        lines=[orders.NewLine(product_id=None, total_cents=cents)],
    )  # fmt: skip
    if status != "recorded":
        orders.mark_paid(order_id=made.pk, paid_at=NOW - timedelta(days=days))
    return made


def test_the_start_page_asks_the_database_few_questions_however_much_there_is(client: Client, member_id: int):
    write(member_id, 30)
    for number in range(30):
        order(member_id, number=f"A-{number}")
    client.get("/my/")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get("/my/").status_code == 200

    assert len(asked) <= 17, [query["sql"][:400] for query in asked]


def test_the_phone_is_shown_masked_everywhere(client: Client):
    for address in ("/my/", "/my/me/", "/my/step-up/", "/my/privacy/"):
        page = client.get(address).content.decode()
        assert "19900000011" not in page
    assert "199****0011" in client.get("/my/me/").content.decode()


def test_a_newcomer_says_yes_to_the_texts_that_stood_on_the_page(client: Client, member_id: int):
    def welcomed(*ticked: str, shown: str) -> list[object]:
        versions = {f"version:{key}": shown for key in ticked}
        answer = client.post("/my/welcome/", {"nickname": "若溪", "allow": ticked, **versions})
        said = Consent.objects.filter(member_id=member_id).order_by("purpose").values_list("text_version", flat=True)
        return [answer.status_code, *said]

    for version in ("2026-10", "2026-11"):
        policy_texts.publish(purpose="care", version=version, text_zh="好", text_en="Yes")
    shown = client.get("/my/welcome/").content.decode()
    assert 'name="version:care:inbox" value="2026-11"' in shown
    assert " checked" not in shown
    policy_texts.publish(purpose="marketing", version="m-2", text_zh="好", text_en="Yes", asks_again=True)

    assert welcomed("marketing:inbox", "care:inbox", shown="2026-10") == [409]  # one is outdated: nothing is written
    assert welcomed("care:inbox", shown="2026-10") == [302, "2026-10"]  # what came meanwhile asks nobody again


def test_letters_come_twenty_at_a_time_and_none_twice(client: Client, member_id: int, other_id: int):
    write(member_id, 45)
    write(other_id, 1)
    seen, address = [], "/my/inbox/"
    for _ in range(3):
        page = client.get(address, headers={"HX-Request": "true"})
        rows = page.context["rows"]
        seen += [row.title for row in rows]
        address = f"/my/inbox/?after={page.context['older']}"

    assert seen == [f"信{n:02d}" for n in reversed(range(45))]
    assert page.context["older"] == ""


def test_opening_a_letter_reads_it_and_anothers_does_not_exist(client: Client, member_id: int, other_id: int):
    write(member_id)
    write(other_id)
    mine, theirs = (InboxMessage.objects.get(member_id=one).pk for one in (member_id, other_id))

    assert client.get(f"/my/inbox/{ids.encode('msg', mine)}/").status_code == 200
    assert client.get(f"/my/inbox/{ids.encode('msg', theirs)}/").status_code == 404

    assert InboxMessage.objects.get(pk=mine).read_at is not None
    assert InboxMessage.objects.get(pk=theirs).read_at is None


def test_marking_all_read_leaves_other_members_letters(client: Client, member_id: int, other_id: int):
    write(member_id, 3)
    write(other_id, 2)

    client.post("/my/inbox/read/")

    assert (inbox.unread(member_id), inbox.unread(other_id)) == (0, 2)


def test_orders_are_narrowed_by_kind(client: Client, member_id: int, other_id: int):
    order(member_id, number="PAID")
    returned = order(member_id, number="BACK", days=4)
    orders.refund(order_id=returned.pk, source="t", amount_cents=10_000)
    order(other_id, number="THEIRS")

    def numbers(kind: str) -> list[str]:
        return [row.order_no for row in client.get("/my/orders/", {"kind": kind}).context["rows"]]

    assert numbers("") == ["PAID", "BACK"]
    assert numbers("refunded") == ["BACK"]
    assert numbers("done") == []
    assert numbers("no-such-kind") == ["PAID", "BACK"]


def test_an_order_tells_its_lines_and_the_money_back_and_anothers_does_not_exist(client: Client, member_id, other_id):
    mine, theirs = order(member_id, number="MINE", cents=12_345), order(other_id, number="THEIRS")
    orders.refund(order_id=mine.pk, source="t", amount_cents=2_345)

    page = client.get(f"/my/orders/{ids.encode('ord', mine.pk)}/").content.decode()

    assert "¥123.45" in page
    assert "¥23.45" in page
    assert "¥100.00" in page
    assert client.get(f"/my/orders/{ids.encode('ord', theirs.pk)}/").status_code == 404


def test_a_refused_profile_keeps_what_was_typed_and_saves_nothing(client: Client, member_id: int):
    answer = client.post("/my/me/profile/", {"nickname": "长" * 41, "gender": "f", "birthday": "1990-03-08"})

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "长" * 41 in page
    assert 'value="1990-03-08"' in page
    assert Member.objects.get(pk=member_id).nickname == "林若溪"


def test_a_day_that_does_not_exist_is_no_birthday(client: Client, member_id: int):
    answer = client.post("/my/me/profile/", {"nickname": "林", "gender": "", "birthday": "1990-02-30"})

    assert answer.status_code == 422
    assert Member.objects.get(pk=member_id).birth_year is None


def test_a_log_in_elsewhere_can_be_ended_and_anothers_cannot(client: Client, member_id: int, other_id: int):
    elsewhere, strangers = browser_of(member_id, label="Windows · Edge"), browser_of(other_id)
    assert "Windows · Edge" in client.get("/my/me/sessions/").content.decode()

    client.post(f"/my/me/sessions/{ids.encode('ses', family_of(elsewhere))}/end/")
    answer = client.post(f"/my/me/sessions/{ids.encode('ses', family_of(strangers))}/end/")

    assert answer.status_code == 404
    assert elsewhere.get("/my/").status_code == 302
    assert (client.get("/my/").status_code, strangers.get("/my/").status_code) == (200, 200)


def test_a_switch_says_yes_and_no_and_each_is_kept(client: Client, member_id: int):
    for on in ("1", "0"):
        answer = client.post("/my/privacy/consent/", {"key": "care:sms", "on": on}, headers={"HX-Request": "true"})
        assert f'aria-checked="{"true" if on == "1" else "false"}"' in answer.content.decode()

    said = Consent.objects.filter(member_id=member_id).order_by("pk")
    assert [(line.purpose, line.channel, line.is_granted, line.source) for line in said] == [
        ("care", "sms", True, "portal"),
        ("care", "sms", False, "portal"),
    ]


def test_the_same_answer_twice_is_one_statement(client: Client, member_id: int):
    for _ in range(2):
        client.post("/my/privacy/consent/", {"key": "marketing:inbox", "on": "1"})

    assert Consent.objects.filter(member_id=member_id).count() == 1


def test_a_switch_that_there_is_not_is_refused(client: Client, member_id: int):
    for key in ("care:any", "pigeon:sms", "", "profiling:sms"):
        assert client.post("/my/privacy/consent/", {"key": key, "on": "1"}).status_code == 404

    assert not Consent.objects.filter(member_id=member_id).exists()


def test_a_yes_to_one_channel_under_a_no_to_all_shows_as_off(client: Client, member_id: int):
    for channel, is_granted in (("any", False), ("sms", True)):
        members.give_consent(
            member_id=member_id, purpose="care", channel=channel, is_granted=is_granted, source="test", text_version="1"
        )

    page = client.get("/my/privacy/")

    care = page.context["purposes"][0]
    assert [(switch.key, switch.is_on) for switch in care.switches] == [("care:inbox", False), ("care:sms", False)]


def test_personalisation_is_on_until_somebody_objects(client: Client, member_id: int):
    personal = client.get("/my/privacy/").context["purposes"][-1].switches[0]
    assert (personal.key, personal.is_on) == ("profiling:any", True)

    client.post("/my/privacy/consent/", {"key": "profiling:any", "on": "0"})

    assert ConsentNow.objects.get(member_id=member_id, purpose="profiling").is_granted is False
    assert client.get("/my/privacy/").context["purposes"][-1].switches[0].is_on is False


def test_a_yes_that_has_ended_shows_as_off_and_can_be_given_anew(client: Client, member_id: int):
    members.give_consent(
        member_id=member_id, purpose="care", channel="sms", is_granted=True, source="test", text_version="1",
        expires_at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    assert [switch.is_on for switch in client.get("/my/privacy/").context["purposes"][0].switches] == [False, False]

    client.post("/my/privacy/consent/", {"key": "care:sms", "on": "1"})

    assert [switch.is_on for switch in client.get("/my/privacy/").context["purposes"][0].switches] == [False, True]


def test_a_statement_names_the_text_that_was_in_force(client: Client, member_id: int):
    policy_texts.publish(purpose="marketing", version="2026-11", text_zh="关于优惠消息。", text_en="About offers.")

    client.post("/my/privacy/consent/", {"key": "marketing:sms", "on": "1", "version": "2026-11"})

    assert Consent.objects.get(member_id=member_id).text_version == "2026-11"
    policy_texts.publish(
        purpose="marketing", version="2026-12", text_zh="关于优惠和活动。", text_en="About offers, too."
    )
    page = client.get("/my/privacy/policy/")
    assert [[text.version for _name, text in page.context[part]] for part in ("texts", "earlier")] == [
        ["2026-12"], ["2026-11"],
    ]  # fmt: skip
    assert "关于优惠消息。" in page.content.decode()


def test_every_form_without_its_token_is_refused(member_id: int):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["my"] = browser_of(member_id).cookies["my"].value

    for address in ("/my/login/", "/my/logout/", "/my/privacy/consent/", "/my/events/", "/my/privacy/erase/"):
        assert strict.post(address, {"key": "care:sms", "on": "1"}).status_code == 403, address
    assert tokens.of_family(family_of(strict)) is not None
    assert "portal/portal.css" in strict.post("/my/logout/").content.decode()  # our page, not the framework's


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7|add:7 }}"])
def test_a_nickname_is_text_and_nothing_else(client: Client, member_id: int, text: str):
    members.change_profile(member_id=member_id, nickname=text)

    for address in ("/my/", "/my/me/", "/my/me/profile/"):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert ">14<" not in page


def test_a_yes_on_a_page_from_before_a_new_text_is_not_taken(client: Client, member_id: int):
    words = {"purpose": "care", "text_zh": "一", "text_en": "one", "asks_again": True}
    policy_texts.publish(version="1", **words)
    shown = client.get("/my/privacy/").context["purposes"][0].switches[0]
    policy_texts.publish(version="2", **words)
    said = {"key": shown.key, "on": "1", "version": shown.version}

    part = client.post("/my/privacy/consent/", said, headers={"HX-Request": "true"})
    assert (part.headers["HX-Refresh"], Consent.objects.count()) == ("true", 0)
    assert client.post("/my/privacy/consent/", said).status_code == 302
    assert Consent.objects.count() == 0
    anew = client.get("/my/privacy/").context["purposes"][0].switches[0]
    client.post("/my/privacy/consent/", said | {"version": anew.version})

    assert Consent.objects.get().text_version == "2"


def test_every_purpose_of_a_holding_has_words_for_members():
    purposes = {one.purpose for one in holdings.holdings()}

    assert purposes <= held._WORDS.keys(), purposes - held._WORDS.keys()


def prove(client: Client) -> None:
    tokens.step_up(family_id=family_of(client))


def due(member_id: int) -> datetime | None:
    """When an erasure that the member asked for falls due."""
    open_wishes = PrivacyRequest.objects.filter(member_id=member_id, kind="erasure", state="cooling")
    return open_wishes.values_list("due_at", flat=True).first()


def test_leaving_asks_for_a_proof_then_for_a_tick_and_logs_out(client: Client, member_id: int):
    asked = client.get("/my/privacy/erase/")
    assert (asked.status_code, asked["Location"]) == (302, "/my/step-up/?next=/my/privacy/erase/")
    assert client.post("/my/privacy/erase/", {"understood": "1"}).status_code == 302
    assert due(member_id) is None

    prove(client)
    assert client.get("/my/privacy/erase/").status_code == 200
    assert client.post("/my/privacy/erase/").status_code == 422
    assert due(member_id) is None
    left = client.post("/my/privacy/erase/", {"understood": "1"})

    assert left.status_code == 200
    assert left.context["until"] == due(member_id)
    assert client.get("/my/").status_code == 302


def test_who_came_back_has_no_open_erasure_and_can_leave_anew(client: Client, member_id: int):
    first = privacy.request_erasure(member_id=member_id)
    states.come_back(member_id=member_id)

    with frozen(NOW + timedelta(days=400)):
        second = privacy.request_erasure(member_id=member_id)

    assert second.effective_at > first.effective_at + timedelta(days=300)


def test_the_copy_is_not_handed_out_without_a_proof(client: Client, member_id: int):
    answer = client.post("/my/privacy/export/file/", {"back": "/my/privacy/export/"})

    assert (answer.status_code, answer["Location"]) == (302, "/my/step-up/?next=/my/privacy/export/")
    prove(client)
    assert client.post("/my/privacy/export/file/").status_code == 404


@pytest.mark.parametrize(
    "address", ["https://example.com/", "//example.com/my/", "/console/", "javascript:alert(1)", "/my/../console/"]
)
def test_nobody_is_led_out_of_the_house(client: Client, address: str):
    asked = client.get("/my/login/", {"next": address})

    assert asked["Location"].startswith("/my/")
    assert ".." not in asked["Location"]
