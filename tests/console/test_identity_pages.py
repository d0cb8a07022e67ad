"""Staff look after who a member is: identities, state, consent, log-ins; they merge records and undo it. Every act leaves its line."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.console.views import merges
from apps.core import clock as house_clock
from apps.core import ids, tokens
from apps.core.models import AuditEntry, User
from apps.flows import repointing
from apps.flows.models import PrivacyRequest
from apps.members import departures, doubts, selectors, services, states
from apps.members.models import Consent, ConsentNow, Identity, Member, Merge, Opening
from apps.orders.models import Order
from apps.stores.models import Role
from tests.console.world import House

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def text(answer) -> str:
    return answer.content.decode()


def to(route: str, house: House, *where: str) -> str:
    return reverse(f"console:{route}", args=[house.member_id(name) for name in where])


def merge(client: Client, house: House, **more):
    body = {"confirm": "NO-near", "request_key": "key-1", "reason": ""} | more
    return client.post(to("merge_do", house, "mine", "near"), body)


def test_identities_are_shown_half_hidden_and_no_value_stands_in_the_page(at, house):
    services.add_identity(
        member_id=house.members["mine"].pk, kind="openid", namespace="wx1", value="oCANARY99", is_verified=True
    )

    page = text(at().get(to("member_identity", house, "mine")))

    assert "199****0001" in page
    assert "oC***99" in page
    assert "19900000001" not in page
    assert "oCANARY99" not in page


def test_an_identity_is_added_and_taken_away_with_a_reason(at, house):
    client, mine = at(Role.AGENT), house.members["mine"].pk
    body = {"kind": "card", "value": "C-77", "reason": "showed the card, 19900000001"}

    client.post(to("identity_add", house, "mine"), body)
    card = Identity.objects.get(kind="card")
    client.post(to("identity_remove", house, "mine"), {"identity": card.pk, "reason": "lost card"})

    assert not Identity.objects.filter(kind="card").exists()
    lines = AuditEntry.objects.filter(action__startswith="member.identity").order_by("id")
    assert [(line.action, line.object_id) for line in lines] == [
        ("member.identity_added", str(mine)), ("member.identity_removed", str(mine)),
    ]  # fmt: skip
    assert lines[0].after == {"kind": "card", "identity": card.pk, "reason": "showed the card, [phone]"}
    assert lines[0].actor == f"user:{house.users[Role.AGENT].pk}"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "card", "value": "C-77", "reason": "no"},
        {"kind": "openid", "value": "o1", "reason": "a good reason"},
        {"kind": "phone", "value": "19900000002", "reason": "a good reason"},  # another member's
        {"kind": "phone", "value": "12", "reason": "a good reason"},
    ],
)
def test_what_may_not_be_added_is_refused_with_a_sentence(at, house, body):
    before = Identity.objects.count()

    answer = at().post(to("identity_add", house, "mine"), body, follow=True)

    assert 'role="alert"' in text(answer)
    assert Identity.objects.count() == before
    assert not AuditEntry.objects.filter(action="member.identity_added").exists()


def test_another_members_identity_cannot_be_taken_away_by_its_number(at, house):
    foreign = Identity.objects.filter(member=house.members["near"]).get()

    at().post(to("identity_remove", house, "mine"), {"identity": foreign.pk, "reason": "a good reason"})

    assert Identity.objects.filter(pk=foreign.pk).exists()


def test_a_member_is_frozen_and_released_and_the_history_says_why(at, house):
    client = at(Role.MANAGER)
    client.post(to("member_state", house, "mine"), {"move": "freeze", "cause": "risk", "reason": "odd orders"})
    assert Member.objects.get(pk=house.members["mine"].pk).status == "frozen"
    assert "odd orders" in text(client.get(to("member_identity", house, "mine")))

    client.post(to("member_state", house, "mine"), {"move": "release", "cause": "settled", "reason": "it was them"})

    assert Member.objects.get(pk=house.members["mine"].pk).status == "active"


def test_a_member_in_the_cool_off_is_brought_back(at, house):
    states.cancel(member_id=house.members["mine"].pk)

    at().post(to("member_state", house, "mine"), {"move": "come_back"})

    assert Member.objects.get(pk=house.members["mine"].pk).status == "active"


def test_staff_cancel_for_a_member_who_asked_and_the_way_back_is_on_the_same_page(at, house, run_flows):
    client, mine = at(Role.MANAGER), house.members["mine"].pk
    for body in ({"confirm": "NO-near", "reason": "asked in the store"}, {"confirm": "NO-mine", "reason": "?"}):
        client.post(to("member_cancel", house, "mine"), body)
        assert Member.objects.get(pk=mine).status == "active"
        assert not PrivacyRequest.objects.exists()
    assert client.post(to("member_cancel", house, "near"), {"confirm": "NO-near"}).status_code == 404

    client.post(to("member_cancel", house, "mine"), {"confirm": "NO-mine", "reason": "asked in the store"})

    assert Member.objects.get(pk=mine).status == "cancelled"
    assert PrivacyRequest.objects.get().due_at == NOON + timedelta(days=7)
    page = text(client.get(to("member_identity", house, "mine")))
    assert "asked in the store" in page
    client.post(to("member_state", house, "mine"), {"move": "come_back"})
    run_flows()
    assert Member.objects.get(pk=mine).status == "active"
    assert PrivacyRequest.objects.get().state == "cancelled"
    acts = (
        AuditEntry.objects.filter(object_type="member", object_id=mine).order_by("pk").values_list("action", flat=True)
    )
    assert list(acts)[-3:] == ["member.cancel", "privacy.erasure_asked", "member.come_back"]


def test_who_registers_again_after_an_erasure_is_known_as_a_returner(at, house):
    phone = "17000000077"
    gone = services.register(source="portal", phone=phone)
    departures.remember(member_id=gone, was_blocked=False)
    Identity.objects.filter(member_id=gone).delete()
    assert not at().get(to("member_identity", house, "mine")).context["left_before"]

    services.add_identity(member_id=house.members["mine"].pk, kind="phone", value=phone, is_verified=True)

    assert at().get(to("member_identity", house, "mine")).context["left_before"]


def test_openings_of_both_records_are_shown_after_a_merge(at, house):
    for where, points in (("mine", 1280), ("near", 40)):
        Opening.objects.create(member=house.members[where], kind="points", amount=points, source="erp", line=2)
    merge(at(), house)

    rows = at().get(to("member_identity", house, "mine")).context["openings"]

    assert [row.amount for row in rows] == [1280, 40]


def test_what_a_member_told_staff_is_kept_with_how_they_said_it(at, house):
    mine = house.members["mine"].pk
    body = {"purpose": "care", "channel": "sms", "said": "no", "how": "call"}

    at(Role.CLERK).post(to("member_consent", house, "mine"), body)

    newest = Consent.objects.filter(member_id=mine).order_by("-id").first()
    assert (newest.is_granted, newest.source, newest.purpose) == (False, "staff:call", "care")
    assert [line.is_granted for line in selectors.consents(mine) if line.is_newest] == [False]


@pytest.mark.parametrize(("how", "purpose"), [("rumour", "care"), ("call", "spam")])
def test_a_statement_that_makes_no_sense_is_not_kept(at, house, how, purpose):
    before = Consent.objects.count()
    body = {"said": "yes", "how": how, "purpose": purpose, "channel": "sms"}

    at().post(to("member_consent", house, "mine"), body)

    assert Consent.objects.count() == before


def test_a_log_in_is_ended_and_a_strangers_family_is_not(at, house):
    mine, near = (User.objects.create_user(username=name) for name in ("m-1", "m-2"))
    Member.objects.filter(pk=house.members["mine"].pk).update(user=mine)
    own, foreign = (tokens.open_family(user_id=user.pk, client="portal") for user in (mine, near))
    client = at(Role.AGENT)

    client.post(to("member_sign_out", house, "mine"), {"family": foreign.family_id})
    client.post(to("member_sign_out", house, "mine"), {"family": own.family_id})

    assert tokens.find(own.access) is None
    assert tokens.find(foreign.access) is not None


def test_the_preview_shows_both_and_changes_nothing(at, house):
    page = text(at(Role.AGENT).get(to("merge_preview", house, "mine", "near"), {"nickname": "loser"}))

    assert "NO-mine" in page
    assert "NO-near" in page
    assert "199****0002" in page
    assert Merge.objects.count() == 0


def test_whatever_moves_has_words_and_a_yes_is_no_true(at, house):
    with translation.override("en"):
        words = {table.model: merges.load_word(table.model) for table in repointing.tables()}
    Member.objects.filter(pk=house.members["near"].pk).update(attributes={"has_child": True})
    page = text(at(Role.AGENT).get(to("merge_preview", house, "mine", "near")))

    assert [model for model, word in words.items() if not word[0].isupper()] == []
    assert "has_child 是" in page
    assert "True" not in page


def test_a_merge_needs_the_number_typed_and_is_done_once_for_a_double_click(at, house):
    client = at(Role.AGENT)

    assert merge(client, house, confirm="NO-mine").status_code == 422
    assert Merge.objects.count() == 0
    merge(client, house)
    merge(client, house)

    made = Merge.objects.get()
    assert (made.source, made.actor) == ("console:key-1", f"user:{house.users[Role.AGENT].pk}")
    assert Order.objects.filter(member=house.members["mine"]).count() == 2


def test_a_rule_chosen_on_the_page_is_the_one_that_is_done(at, house):
    preview = at().get(to("merge_preview", house, "mine", "near"), {"rule_nickname": "loser"})
    shown = next(row for row in preview.context["rows"] if row["name"] == "nickname")
    assert (shown["field"], shown["policy"], shown["values"][2]) == ("rule_nickname", "loser", "沈near")

    merge(at(), house, rule_nickname="loser")

    assert Member.objects.get(pk=house.members["mine"].pk).nickname == "沈near"


def test_the_address_of_a_merged_record_leads_to_the_survivor(at, house):
    client = at()
    merge(client, house)

    for route in ("member", "member_identity"):
        assert client.get(to(route, house, "near"))["Location"] == to(route, house, "mine")
    assert client.post(reverse("console:members"), {"q": "NO-near"})["Location"] == to("member", house, "mine")
    assert house.member_id("near") not in text(client.get(reverse("console:members")))


def test_an_undone_merge_leaves_both_pages_as_they_were(at, house):
    client = at()
    merge(client, house)
    made = Merge.objects.get()
    assert "NO-near" in text(client.get(to("member_identity", house, "mine")))

    client.post(reverse("console:merge_undo", args=[ids.encode("mrg", made.pk)]))

    assert client.get(to("member", house, "near")).status_code == 200
    assert Order.objects.filter(member=house.members["near"]).count() == 1


def test_two_proven_phones_are_merged_by_an_administrator_with_a_reason_only(at, house):
    Identity.objects.filter(kind="phone").update(verified_at=NOON)

    assert merge(at(Role.AGENT), house, reason="she told me").status_code == 403
    assert merge(at(), house).status_code == 409
    assert Merge.objects.count() == 0
    assert merge(at(), house, reason="she told me").status_code == 302
    assert Merge.objects.get().reason == "she told me"


def test_a_pair_is_looked_at_and_put_aside(at, house):
    pair = house.members["mine"].pk, house.members["far"].pk
    doubts.raise_doubt(member_ids=pair, cause="phone")
    client = at(Role.AGENT)
    page = text(client.get(reverse("console:merges")))
    assert "NO-mine" in page
    assert "NO-far" in page

    client.post(to("merge_apart", house, "mine", "far"))

    assert doubts.waiting() == []
    assert "NO-far" not in text(client.get(reverse("console:merges")))


def test_the_other_record_is_looked_for_by_what_staff_know(at, house):
    client = at(Role.AGENT)

    page = text(client.post(to("merge_find", house, "mine"), {"q": "0002"}))

    assert to("merge_preview", house, "mine", "near") in page
    assert "NO-far" not in page


def test_the_comparison_of_two_records_says_that_a_yes_has_ended(at, house):
    near = house.members["near"].pk
    services.give_consent(
        member_id=near, purpose="marketing", channel="email", is_granted=True, source="portal", text_version="1"
    )
    page = at().get(to("merge_preview", house, "mine", "near"))
    assert dict(page.context["consents"])["marketing", "email"] == (True, False)

    ConsentNow.objects.filter(member_id=near, channel="email").update(valid_until=house_clock.now())

    page = at().get(to("merge_preview", house, "mine", "near"))
    assert dict(page.context["consents"])["marketing", "email"] == (True, True)
    assert "已失效" in text(page)
