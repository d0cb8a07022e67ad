"""The privacy page: requests, texts, ages, record; whole phone numbers nowhere; too many looks at them raise an alert."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.analytics import timeline
from apps.core import clock as house_clock
from apps.core import ids
from apps.core.models import Alert, AuditEntry
from apps.flows import privacy, processing
from apps.flows.models import PrivacyRequest
from apps.members import policy_texts
from apps.members import services as members
from apps.members.models import Consent, ConsentNow, Member, PolicyText
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PAGE = "/console/privacy/"
TEXT = {"purpose": "care", "version": "2026-12", "text_zh": "我们会提醒您", "text_en": "We remind you"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(clock, db) -> House:
    clock(NOON)
    return world.build(NOON)


def at(house: House, role: str = Role.ADMIN) -> Client:
    client = Client()
    world.enter(client, house.users[role])
    return client


def test_the_page_shows_what_members_asked_for(house: House):
    member = house.members["mine"]
    privacy.request_erasure(member_id=member.pk)

    page = at(house, Role.AUDITOR).get(PAGE)

    assert page.status_code == 200
    assert member.member_no in page.content.decode()
    assert str(PrivacyRequest.State.COOLING.label) in page.content.decode()
    assert reverse("console:privacy_publish") not in page.content.decode(), "an auditor reads"


def test_staff_pass_on_what_a_member_asks_in_person(house: House):
    member = house.members["mine"]
    client = at(house)

    for kind in ("export", "erasure"):
        answer = client.post(reverse("console:privacy_ask"), {"member_no": member.member_no, "kind": kind})
        assert (answer.status_code, answer["Location"]) == (302, PAGE)

    user = house.users[Role.ADMIN]
    assert sorted(PrivacyRequest.objects.values_list("member_id", "kind", "state", "asked_by")) == [
        (member.pk, "erasure", "cooling", f"user:{user.pk}"),
        (member.pk, "export", "waiting", f"user:{user.pk}"),
    ]


def test_the_number_of_a_merged_record_asks_for_the_record_that_counts(house: House):
    member = house.members["mine"]
    Member.objects.create(member_no="OLD-CARD", merged_into=member, status="merged")

    at(house).post(reverse("console:privacy_ask"), {"member_no": "OLD-CARD", "kind": "export"})

    assert PrivacyRequest.objects.get().member_id == member.pk


def test_an_unknown_number_asks_nothing(house: House):
    client = at(house)

    answer = client.post(reverse("console:privacy_ask"), {"member_no": "nobody", "kind": "erasure"}, follow=True)

    assert answer.status_code == 200
    assert PrivacyRequest.objects.exists() is False


def test_a_new_text_ends_the_consents_given_under_earlier_ones(house: House):
    before = ConsentNow.objects.filter(purpose="care", is_granted=True).count()
    assert before == 3

    answer = at(house).post(reverse("console:privacy_publish"), TEXT | {"asks_again": "on"})

    assert answer.status_code == 302
    assert ConsentNow.objects.filter(purpose="care", valid_until=NOON).count() == before
    found = policy_texts.current("care")
    assert found is not None
    assert (found.version, found.is_current, found.asks_again) == ("2026-12", True, True)
    assert AuditEntry.objects.filter(action="policy_text.published").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"version": "2026-12"}, "version"), ({"text_en": ""}, "text_en"), ({"purpose": "x"}, "purpose")],
)
def test_a_refused_text_changes_nothing_and_keeps_what_was_typed(house: House, change: dict[str, str], field: str):
    policy_texts.publish(**TEXT)

    answer = at(house).post(
        reverse("console:privacy_publish"), TEXT | {"version": "2027-01", "text_zh": "新的"} | change
    )

    assert answer.status_code == 422
    assert "新的" in answer.content.decode()
    assert answer.context["form"].errors.keys() == {field}
    assert PolicyText.objects.count() == 1


def test_every_purpose_of_a_table_stands_in_the_record():
    from_tables = {held.purpose for held in processing.holdings.holdings()}

    assert from_tables - processing.PURPOSES.keys() == set()
    assert sum(len(entry.tables) for entry in processing.record()) == len(processing.holdings.holdings())


def test_a_text_may_come_into_force_on_a_later_day(house: House, clock):
    answer = at(house).post(
        reverse("console:privacy_publish"), TEXT | {"asks_again": "on", "effective_on": "2026-12-01"}
    )

    assert answer.status_code == 302
    day = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert PolicyText.objects.get().effective_at == day
    assert policy_texts.current("care") is None
    assert ConsentNow.objects.filter(purpose="care", valid_until=day).count() == 3
    assert at(house).post(
        reverse("console:privacy_publish"), TEXT | {"version": "x", "effective_on": "2026-11-01"}
    ).context["form"].errors.keys() == {"effective_on"}
    assert PolicyText.objects.count() == 1


def test_the_record_says_how_sensitive_who_sees_it_and_who_else_receives_it(house: House, settings):
    settings.RECIPIENTS_ABROAD = ["wechat"]
    page = at(house, Role.AUDITOR).get(PAGE)

    tables = {table.title: table.sensitivity for entry in page.context["record"] for table in entry.tables}
    assert set(tables.values()) == {"sensitive", "personal", "technical"}
    assert all(entry.readers for entry in page.context["record"])
    recipients = {str(one.name): one.is_abroad for one in page.context["recipients"]}
    assert list(recipients.values()) == [
        False,
        False,
        True,
        False,
    ]  # host, SMS, WeChat, WeCom; no e-mail server is set up
    settings.MAIL_URL, settings.MAIL_FROM, settings.RECIPIENTS_ABROAD = (
        "smtps://mail.example",
        "a@mail.example",
        ["mail"],
    )
    assert [one.is_abroad for one in processing.recipients()] == [False, False, False, False, True]


def test_children_are_counted_and_their_page_says_what_is_not_done(house: House):
    member = house.members["mine"]
    Member.objects.filter(pk=member.pk).update(birth_year=2015, birth_month=6, birth_day=1)
    client, address = at(house), reverse("console:member", args=[house.member_id("mine")])
    assert client.get(PAGE).context["children"] == (1, 1)
    page = client.get(address)
    assert (page.context["child"].is_unguarded, page.context["is_profiled"]) == (True, False)

    noted = client.post(
        reverse("console:member_guardian", args=[house.member_id("mine")]), {"said": "yes", "how": "store"}
    )

    assert noted.status_code == 302
    assert client.get(PAGE).context["children"] == (1, 0)
    assert client.get(address).context["is_profiled"] is True
    assert AuditEntry.objects.filter(action="member.guardian_agreed", object_id=str(member.pk)).count() == 1


@pytest.mark.parametrize(
    ("where", "said"), [("mine", {"said": "yes", "how": "call"}), ("far", {"said": "yes", "how": "store"})]
)
def test_a_guardians_word_needs_a_child_of_ones_own_store_seen_in_person(
    house: House, where: str, said: dict[str, str]
):
    Member.objects.filter(pk=house.members[where].pk).update(birth_year=2015)

    at(house, Role.MANAGER).post(reverse("console:member_guardian", args=[house.member_id(where)]), said)

    assert not Consent.objects.filter(purpose="guardian").exists()


def test_staff_see_that_a_yes_has_ended(house: House):
    ConsentNow.objects.filter(member=house.members["mine"]).update(valid_until=NOON - timedelta(days=1))

    for name in ("console:member", "console:member_identity"):
        page = at(house).get(reverse(name, args=[house.member_id("mine")]))
        assert [line.has_ended for line in page.context["consents"]] == [True]
        assert "Ended" in page.content.decode() or "已失效" in page.content.decode()
        assert 'class="c-bd ok">Given' not in page.content.decode()


def test_personalisation_off_hides_what_was_worked_out(house: House):
    member = house.members["mine"]
    members.give_consent(
        member_id=member.pk, purpose="profiling", channel="any", is_granted=False, source="portal", text_version="1"
    )

    page = at(house).get(reverse("console:member", args=[house.member_id("mine")]))

    assert page.context["is_profiled"] is False
    assert page.context["child"].is_child is False
    assert [entry for entry in timeline.timeline(member_id=member.pk).rows if entry["kind"] == "stage"] == []
    assert [entry["kind"] for entry in timeline.timeline(member_id=house.members["near"].pk).rows].count("stage") == 1


def look(house: House, client: Client) -> int:
    return client.post(
        reverse("console:member_unmask", args=[ids.encode("mem", house.members["mine"].pk)]), {"reason": "call back"}
    ).status_code


def test_the_thirty_first_look_within_an_hour_raises_one_alert(house: House, clock):
    agent, admin = at(house, Role.AGENT), at(house)
    for second in range(30):
        clock(NOON + timedelta(seconds=second))
        assert look(house, agent) == 200
    assert look(house, admin) == 200, "another person's looks are their own"
    assert Alert.objects.exists() is False

    assert [look(house, agent), look(house, agent)] == [200, 200]

    alert = Alert.objects.get()
    assert alert.facts == {"actor": f"user:{house.users[Role.AGENT].pk}"}
    assert "agent-1" in admin.get(PAGE).content.decode()
    assert admin.post(reverse("console:privacy_seen"), {"alert": alert.pk}).status_code == 302
    assert "agent-1" not in admin.get(PAGE).content.decode()
    alert.refresh_from_db()
    assert (alert.seen_at, alert.seen_by_id) == (house_clock.now(), house.users[Role.ADMIN].pk)


def test_thirty_one_looks_over_more_than_an_hour_are_no_alarm(house: House, clock):
    agent = at(house, Role.AGENT)
    for number in range(31):
        clock(NOON + timedelta(minutes=2, seconds=1) * number)
        look(house, agent)

    assert AuditEntry.objects.filter(action="member.unmasked").count() == 31
    assert Alert.objects.exists() is False
