"""T-P5: purpose × channel × what the member said; a message is planned and taken to be sent only with a yes that counts."""

import itertools
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest

from apps.care import claims, reach, services
from apps.care.models import Touch
from apps.core import clock as house_clock
from apps.core.errors import ValidationFailed
from apps.members import policy_texts
from apps.members import services as members
from apps.members.models import Consent, ConsentNow, Member
from tests.care.conftest import NOON, Shop

pytestmark = pytest.mark.django_db
Say = Callable[[Shop, Member, str, str], None]
SECOND = timedelta(seconds=1)


def given(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    shop.consent(member.pk, purpose=purpose, channel=channel)


def never(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    pass


def withdrawn(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    given(shop, member, purpose, channel)
    shop.consent(member.pk, purpose=purpose, channel=channel, given=False)


def _until(member: Member, purpose: str, channel: str, end: datetime) -> None:
    members.give_consent(
        member_id=member.pk, purpose=purpose, channel=channel, is_granted=True, source="test", text_version="1",
        expires_at=end,
    )  # fmt: skip


def expired(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    _until(member, purpose, channel, house_clock.now() - SECOND)


def not_yet_expired(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    _until(member, purpose, channel, house_clock.now() + timedelta(days=1))


def _publish(purpose: str, version: str, *, asks_again: bool) -> None:
    policy_texts.publish(purpose=purpose, version=version, text_zh="新", text_en="New", asks_again=asks_again)


def text_replaced(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    given(shop, member, purpose, channel)
    with house_clock.frozen(NOON + SECOND):
        _publish(purpose, "2", asks_again=True)


def text_improved(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    given(shop, member, purpose, channel)
    with house_clock.frozen(NOON + SECOND):
        _publish(purpose, "2", asks_again=False)


def agreed_to_an_old_text(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    """A page that was open since before the change sends the version it showed."""
    with house_clock.frozen(NOON - 3 * SECOND):
        _publish(purpose, "1", asks_again=False)
    with house_clock.frozen(NOON - 2 * SECOND):
        _publish(purpose, "2", asks_again=True)
    given(shop, member, purpose, channel)


def agreed_again(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    text_replaced(shop, member, purpose, channel)
    with house_clock.frozen(NOON + 2 * SECOND):
        members.give_consent(
            member_id=member.pk, purpose=purpose, channel=channel, is_granted=True, source="test", text_version="2"
        )


def _born(member: Member, day: date) -> None:
    Member.objects.filter(pk=member.pk).update(birth_year=day.year, birth_month=day.month, birth_day=day.day)


def _fourteen() -> date:
    """The birthday of who turns 14 today."""
    today = house_clock.local_date(house_clock.now())
    return today.replace(year=today.year - 14, day=min(today.day, 28))


def child(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    given(shop, member, purpose, channel)
    _born(member, _fourteen() + timedelta(days=4))


def child_with_a_guardian(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    child(shop, member, purpose, channel)
    members.give_guardian_consent(member_id=member.pk, is_granted=True, source="staff", text_version="1")


def guardian_took_it_back(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    child_with_a_guardian(shop, member, purpose, channel)
    members.give_guardian_consent(member_id=member.pk, is_granted=False, source="staff", text_version="1")


def guardian_agrees_but_the_child_does_not(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    child_with_a_guardian(shop, member, purpose, channel)
    shop.consent(member.pk, purpose=purpose, channel=channel, given=False)


def fourteen_today(shop: Shop, member: Member, purpose: str, channel: str) -> None:
    given(shop, member, purpose, channel)
    _born(member, _fourteen())


STATES: dict[Say, str] = {
    never: "no_consent",
    given: "",
    withdrawn: "no_consent",
    expired: "no_consent",
    not_yet_expired: "",
    text_replaced: "no_consent",
    text_improved: "",
    agreed_to_an_old_text: "no_consent",
    agreed_again: "",
    child: "under_14",
    child_with_a_guardian: "",
    guardian_took_it_back: "under_14",
    guardian_agrees_but_the_child_does_not: "no_consent",
    fourteen_today: "",
}


def _matrix() -> Iterator[object]:
    """Whatever was said by every purpose, channel and place; every merge two of the eight in turn, every night all."""
    kinds = list(itertools.product(("care", "marketing"), ("sms", "inbox"), ("own", "any")))
    for number, say in enumerate(STATES):
        for turn, kind in enumerate(kinds):
            marks = () if turn in {number % 8, (number + 3) % 8} else pytest.mark.nightly
            yield pytest.param(say, *kind, marks=marks, id="-".join((say.__name__, *kind)))


@pytest.mark.parametrize(("say", "purpose", "channel", "where"), list(_matrix()))
def test_only_a_yes_that_counts_lets_a_message_through(
    shop: Shop, clock: Callable[[datetime], datetime], say: Say, purpose: str, channel: str, where: str
) -> None:
    """Planned before the member says it, and after: both the plan and the claim must judge alike."""
    clock(NOON)
    stated = channel if where == "own" else "any"
    planned_before = shop.lapsing_member(consents=((purpose, stated),))
    version = shop.policy(channel=channel, purpose=purpose)
    moment = clock(NOON + 3 * SECOND)
    services.plan(moment=moment)
    assert Touch.objects.get().state == "planned"
    clock(NOON)
    ConsentNow.objects.all().delete()  # what was needed to be planned does not count in what follows
    say(shop, planned_before, purpose, stated)
    fresh = shop.lapsing_member(consents=())
    if not {text_replaced, text_improved, agreed_to_an_old_text, agreed_again} & {say}:
        say(shop, fresh, purpose, stated)
    else:  # the texts are published already: only what this member says comes on top
        _copy(planned_before, fresh)

    clock(moment)
    services.plan(moment=moment)
    taken, skipped = claims.Desk(channel).take(limit=10, moment=moment, brand="")

    expected = STATES[say]
    outcome = dict(Touch.objects.values_list("member_id", "reason"))
    # about a child whom no guardian answers for nothing is worked out, so no plan even finds them
    assert outcome.get(fresh.pk) == (None if expected == "under_14" else expected)
    assert outcome[planned_before.pk] == expected
    assert (len(taken), skipped) == ((2, 0) if not expected else (0, 1))
    reached = {one.channel: one.reached for one in reach.of_rule({}, moment=moment, purpose=purpose)}
    assert reached[channel] == (0 if expected else 2)
    assert version.purpose == purpose


def _copy(one: Member, other: Member) -> None:
    for row in Consent.objects.filter(member=one).order_by("pk"):
        row.pk, row.member_id = None, other.pk
        row.save(force_insert=True)


def test_a_member_cannot_speak_for_the_guardian(shop: Shop) -> None:
    member = shop.member()

    with pytest.raises(ValidationFailed):
        shop.consent(member.pk, purpose="guardian", channel="any")
    assert not Consent.objects.filter(purpose="guardian").exists()
