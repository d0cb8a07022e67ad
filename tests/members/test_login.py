"""Coming in by code and by WeChat, registering on the way, stepping up, changing the phone; who is turned away."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from apps.core import tokens
from apps.core.models import AuditEntry, User
from apps.events.models import Event
from apps.gateways.errors import WechatCodeInvalid
from apps.members import departures, login, selectors, services, states
from apps.members.errors import (
    CodeSpent,
    CodeWrong,
    CoolOffOver,
    MemberFrozen,
    MemberLeaving,
    PhoneBarred,
    PhoneTaken,
    StepUpRequired,
)
from apps.members.models import Consent, Identity, Member
from tests.members.conftest import Phone

Noon = Callable[[float], datetime]
APP = "wx5170000000000001"
NUMBER, TAIL = "17000000042", "0042"
OTHER, OTHER_TAIL = "17000000043", "0043"
DAY = 86_400


def told() -> QuerySet[Event]:
    """Facts other than that somebody came in."""
    return Event.objects.exclude(name="member.registered")


def come_in(phone: Phone, number: str = NUMBER, **more: bool) -> login.LoggedIn:
    asked = login.request_code(phone=number, network="203.0.113.9")
    code = phone.code(number[-4:])
    return login.log_in_by_code(request_id=asked.request_id, code=code, source="code:poster-7", **more)


def by_wechat(phone: Phone, **person: str) -> login.LoggedIn:
    return login.log_in_by_wechat(app_id=APP, js_code=phone.client.js_code(app_id=APP, **person))


@pytest.mark.django_db
def test_a_new_phone_becomes_a_member_with_an_account_and_no_consent(phone: Phone, noon: Noon):
    came = come_in(phone)

    member = Member.objects.get()
    assert came == login.LoggedIn(member_id=member.pk, user_id=member.user_id, is_new=True)
    assert (member.source, member.status, member.nickname) == ("code:poster-7", "active", "")
    assert selectors.find_by_phone(NUMBER) == member.pk
    assert Identity.objects.get().verified_at is not None
    user = User.objects.get()
    assert (user.is_staff, user.has_usable_password()) == (False, False)
    assert NUMBER not in user.username
    assert Consent.objects.count() == 0


@pytest.mark.django_db
def test_an_imported_member_comes_in_by_phone_which_is_proved_then(phone: Phone, noon: Noon):
    member_id = services.register(source="import", phone=NUMBER)

    first = come_in(phone)
    noon(61)
    second = come_in(phone)

    assert (first.member_id, first.is_new) == (member_id, False)
    assert second == first
    assert Identity.objects.get().verified_at is not None
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("move", [states.freeze, states.block])
def test_frozen_and_blocked_members_are_refused_and_get_no_account(phone: Phone, noon: Noon, move: Callable[..., None]):
    member_id = services.register(source="import", phone=NUMBER)
    move(member_id=member_id, cause="abuse", reason="resold vouchers")

    with pytest.raises(MemberFrozen):
        come_in(phone)
    assert User.objects.count() == 0


@pytest.mark.django_db
def test_who_is_leaving_may_come_back_with_the_same_code_within_the_cool_off(phone: Phone, noon: Noon):
    member_id = services.register(source="import", phone=NUMBER)
    states.cancel(member_id=member_id)
    asked = login.request_code(phone=NUMBER, network="203.0.113.9")
    shown = {"request_id": asked.request_id, "code": phone.code(TAIL), "source": "portal"}

    with pytest.raises(MemberLeaving) as refusal:
        login.log_in_by_code(**shown)
    assert refusal.value.facts == {"until": states.cools_until(member_id).isoformat()}
    assert Member.objects.get().status == "cancelled"
    assert login.log_in_by_code(**shown, come_back=True).member_id == member_id
    assert Member.objects.get().status == "active"
    with pytest.raises(CodeSpent):
        login.log_in_by_code(**shown)


@pytest.mark.django_db
def test_after_the_cool_off_nobody_comes_back(phone: Phone, noon: Noon):
    member_id = services.register(source="import", phone=NUMBER)
    states.cancel(member_id=member_id)
    noon(8 * DAY)

    with pytest.raises(CoolOffOver):
        come_in(phone, come_back=True)
    assert Member.objects.get().status == "cancelled"


@pytest.mark.django_db
def test_a_phone_that_left_blocked_is_barred_and_nobody_is_registered(phone: Phone, noon: Noon):
    earlier = services.register(source="import", phone=NUMBER)
    departures.remember(member_id=earlier, was_blocked=True)
    Identity.objects.all().delete()

    with pytest.raises(PhoneBarred):
        come_in(phone)
    assert Member.objects.count() == 1


@pytest.mark.django_db
def test_an_account_that_is_switched_off_is_refused(phone: Phone, noon: Noon):
    came = come_in(phone)
    User.objects.filter(pk=came.user_id).update(is_active=False)
    noon(61)

    with pytest.raises(MemberFrozen):
        come_in(phone)


@pytest.mark.django_db
def test_wechat_registers_once_and_knows_the_person_again(phone: Phone, noon: Noon):
    first = by_wechat(phone, person="lin")
    again = by_wechat(phone, person="lin")
    other = by_wechat(phone, person="mei")

    assert first.is_new
    assert again == login.LoggedIn(member_id=first.member_id, user_id=first.user_id, is_new=False)
    assert other.member_id != first.member_id
    assert Member.objects.get(pk=first.member_id).source == f"wechat:{APP}"
    kinds = Identity.objects.filter(member_id=first.member_id).order_by("kind")
    assert list(kinds.values_list("kind", "namespace")) == [("openid", APP), ("unionid", "")]


@pytest.mark.django_db
def test_a_wechat_code_is_good_once(phone: Phone, noon: Noon):
    js_code = phone.client.js_code(app_id=APP, person="lin")
    login.log_in_by_wechat(app_id=APP, js_code=js_code)

    with pytest.raises(WechatCodeInvalid):
        login.log_in_by_wechat(app_id=APP, js_code=js_code)


@pytest.mark.django_db
def test_a_union_id_leads_a_new_open_id_to_its_member(phone: Phone, noon: Noon):
    member_id = services.register(source="import")
    services.add_identity(member_id=member_id, kind="unionid", value="u-1")

    came = by_wechat(phone, openid="o-1", unionid="u-1")

    assert (came.member_id, came.is_new) == (member_id, False)
    assert selectors.find_by_identity(kind="openid", namespace=APP, value="o-1") == member_id


@pytest.mark.django_db
def test_a_union_id_that_comes_later_is_added(phone: Phone, noon: Noon):
    first = by_wechat(phone, openid="o-1")
    second = by_wechat(phone, openid="o-1", unionid="u-1")

    assert second.member_id == first.member_id
    assert selectors.find_by_identity(kind="unionid", value="u-1") == first.member_id
    assert told().count() == 0


@pytest.mark.django_db
def test_two_members_of_one_union_id_are_told_and_not_merged(phone: Phone, noon: Noon):
    first = by_wechat(phone, openid="o-1")
    other = services.register(source="import")
    services.add_identity(member_id=other, kind="unionid", value="u-1")

    came = by_wechat(phone, openid="o-1", unionid="u-1")
    by_wechat(phone, openid="o-1", unionid="u-1")

    assert came.member_id == first.member_id
    fact = told().get()
    assert (fact.name, fact.payload) == ("member.unionid_conflict", {"member_id": first.member_id, "other_id": other})
    assert selectors.find_by_identity(kind="unionid", value="u-1") == other
    assert Member.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_person_on_eight_devices_at_once_becomes_one_member(phone: Phone):
    js_codes = [phone.client.js_code(app_id=APP, person="lin") for _ in range(8)]

    def enter(js_code: str) -> tuple[int, bool]:
        try:
            came = login.log_in_by_wechat(app_id=APP, js_code=js_code)
            return came.member_id, came.is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        came = list(pool.map(enter, js_codes))
    assert len({member_id for member_id, _ in came}) == 1
    assert Counter(is_new for _, is_new in came) == {True: 1, False: 7}
    assert (Member.objects.count(), User.objects.count(), Identity.objects.count()) == (1, 1, 2)


@pytest.mark.django_db
def test_wechat_gives_a_member_a_proved_phone_and_the_same_again_is_a_no_op(phone: Phone, noon: Noon):
    came = by_wechat(phone, person="lin")
    for _ in range(2):
        code = phone.client.phone_code(app_id=APP, phone=NUMBER)
        assert login.bind_wechat_phone(member_id=came.member_id, family_id=0, app_id=APP, code=code) == "bound"

    assert selectors.phones([came.member_id]) == {came.member_id: f"+86{NUMBER}"}
    assert Identity.objects.get(kind="phone").verified_at is not None


@pytest.mark.django_db
def test_a_phone_of_another_member_is_told_and_not_taken(phone: Phone, noon: Noon):
    imported = services.register(source="import", phone=NUMBER)
    came = by_wechat(phone, person="lin")
    code = phone.client.phone_code(app_id=APP, phone=NUMBER)

    assert login.bind_wechat_phone(member_id=came.member_id, family_id=0, app_id=APP, code=code) == "merging"
    assert selectors.find_by_phone(NUMBER) == imported
    fact = told().get()
    assert (fact.name, fact.payload) == (
        "member.phone_conflict",
        {"member_id": came.member_id, "other_id": imported},
    )


@pytest.mark.django_db
def test_stepping_up_lasts_five_minutes_for_that_log_in_only(phone: Phone, noon: Noon):
    came = come_in(phone)
    here, there = (tokens.open_family(user_id=came.user_id, client="portal").family_id for _ in range(2))
    with pytest.raises(StepUpRequired):
        login.require_step_up(family_id=here)
    noon(61)
    asked = login.request_step_up_code(member_id=came.member_id, network="203.0.113.9")
    login.step_up(family_id=here, request_id=asked.request_id, code=phone.code(TAIL))

    noon(61 + 299)
    login.require_step_up(family_id=here)
    with pytest.raises(StepUpRequired):
        login.require_step_up(family_id=there)
    noon(61 + 300)
    with pytest.raises(StepUpRequired):
        login.require_step_up(family_id=here)


@pytest.mark.django_db
def test_a_code_to_a_strangers_phone_steps_nobody_up(phone: Phone, noon: Noon):
    came = come_in(phone)
    family_id = tokens.open_family(user_id=came.user_id, client="portal").family_id
    asked = login.request_code(phone=OTHER, network="203.0.113.9", purpose="step_up")

    with pytest.raises(CodeWrong):
        login.step_up(family_id=family_id, request_id=asked.request_id, code=phone.code(OTHER_TAIL))
    with pytest.raises(StepUpRequired):
        login.require_step_up(family_id=family_id)


@pytest.mark.django_db
def test_a_member_without_a_phone_steps_up_by_wechat(phone: Phone, noon: Noon):
    lin = by_wechat(phone, person="lin")
    family_id = tokens.open_family(user_id=lin.user_id, client=f"mini:{APP}").family_id

    stranger = phone.client.js_code(app_id=APP, person="mei")
    with pytest.raises(StepUpRequired):
        login.step_up_by_wechat(family_id=family_id, app_id=APP, js_code=stranger)
    with pytest.raises(StepUpRequired):
        login.require_step_up(family_id=family_id)
    login.step_up_by_wechat(family_id=family_id, app_id=APP, js_code=phone.client.js_code(app_id=APP, person="lin"))
    login.require_step_up(family_id=family_id)


@pytest.mark.django_db
def test_a_changed_phone_replaces_the_old_one_and_ends_the_other_log_ins(phone: Phone, noon: Noon):
    came = come_in(phone)
    here = tokens.open_family(user_id=came.user_id, client="portal")
    there = tokens.open_family(user_id=came.user_id, client="mini:wx1")
    tokens.step_up(family_id=here.family_id)
    asked = login.request_code(phone=OTHER, network="203.0.113.9", purpose="change_phone")
    login.change_phone(
        member_id=came.member_id,
        family_id=here.family_id,
        request_id=asked.request_id,
        code=phone.code(OTHER_TAIL),
    )

    assert selectors.find_by_phone(OTHER) == came.member_id
    assert selectors.find_by_phone(NUMBER) is None
    assert tokens.find(here.access) is not None
    assert tokens.find(there.access) is None
    assert told().get().payload == {"member_id": came.member_id}
    assert AuditEntry.objects.filter(action="member.phone_changed", object_id=came.member_id).count() == 1
    noon(61)
    assert come_in(phone).is_new  # the old number belongs to nobody now


@pytest.mark.django_db
def test_a_phone_is_not_changed_without_stepping_up_nor_to_somebody_elses(phone: Phone, noon: Noon):
    services.register(source="import", phone=OTHER)
    came = come_in(phone)
    family_id = tokens.open_family(user_id=came.user_id, client="portal").family_id
    asked = login.request_code(phone=OTHER, network="203.0.113.9", purpose="change_phone")
    shown = {"member_id": came.member_id, "request_id": asked.request_id, "code": phone.code(OTHER_TAIL)}

    with pytest.raises(StepUpRequired):
        login.change_phone(**shown, family_id=family_id)
    tokens.step_up(family_id=family_id)
    with pytest.raises(PhoneTaken):
        login.change_phone(**shown, family_id=family_id)
    assert selectors.find_by_phone(NUMBER) == came.member_id
    assert told().count() == 0


@pytest.mark.django_db
def test_another_members_log_in_cannot_change_my_phone(phone: Phone, noon: Noon):
    victim = services.register(source="import", phone="17000000044")
    came = come_in(phone)
    family_id = tokens.open_family(user_id=came.user_id, client="portal").family_id
    tokens.step_up(family_id=family_id)
    asked = login.request_code(phone=OTHER, network="203.0.113.9", purpose="change_phone")

    with pytest.raises(StepUpRequired):
        login.change_phone(
            member_id=victim, family_id=family_id, request_id=asked.request_id, code=phone.code(OTHER_TAIL)
        )
    assert selectors.phones([victim]) == {victim: "+8617000000044"}


@pytest.mark.django_db
def test_the_member_behind_a_token_or_session_is_one_statement_and_gone_when_frozen(phone: Phone, noon: Noon):
    came = come_in(phone)
    pair = tokens.open_family(user_id=came.user_id, client="portal")
    expected = login.Principal(
        member_id=came.member_id, user_id=came.user_id, family_id=pair.family_id, client="portal", stepped_up_at=None
    )

    for look in (lambda: login.principal(pair.access), lambda: login.principal_of_session(pair.family_id)):
        with CaptureQueriesContext(connection) as statements:
            assert look() == expected
        assert len(statements) == 1
    assert login.principal(pair.refresh) is None
    states.freeze(member_id=came.member_id, cause="abuse", reason="resold vouchers")
    assert login.principal(pair.access) is None
    assert login.principal_of_session(pair.family_id) is None


@pytest.mark.django_db(transaction=True)
def test_a_revocation_counts_for_the_next_request_on_every_connection(phone: Phone):
    """T-S5: ten sessions and tokens live on other connections when the account's log-ins are revoked."""
    came = come_in(phone)
    pairs = [tokens.open_family(user_id=came.user_id, client="mini:wx1") for _ in range(10)]

    def honoured(_: int) -> int:
        try:
            by_token = sum(login.principal(pair.access) is not None for pair in pairs)
            return by_token + sum(login.principal_of_session(pair.family_id) is not None for pair in pairs)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(honoured, range(8))) == [20] * 8
        assert tokens.revoke_user(user_id=came.user_id) == 10
        assert list(pool.map(honoured, range(8))) == [0] * 8
