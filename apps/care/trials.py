"""Test sends: a draft's message with each receiver's own values, to colleagues who proved that a membership is their own.

What protects people and channels holds as ever: quiet hours, addresses that came back, credits of mini-program messages, an open
circuit, the throttle. What weighs on members does not: no cap, no holdout, no consent beside having asked for tests. Each says that
it is a test; none is a touch, so no result, funnel, cap or cost of a journey knows of it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.care import gate, lanes, outcomes, reasons, subscribing, templates
from apps.care.models import Channel, Lane, Tester, Trial, Version
from apps.core import audit, brand, clock
from apps.core.errors import DomainError
from apps.gateways import inbox, mail, sms
from apps.gateways.mail import Mail
from apps.gateways.messages import Kind, Outcome, Outgoing
from apps.gateways.models import Suppression
from apps.members import codes
from apps.members import selectors as members
from apps.members.models import Identity
from apps.stores.models import Staff

MOST = 5  # colleagues at a time
A_DAY = 20  # tests that one of them gets in 24 hours
PURPOSE = "step_up"  # of the code that proves a phone
Registry = Literal["notice", "promo"]
_KINDS = {Channel.SMS: "phone", Channel.EMAIL: "email", Channel.WECHAT: "openid"}


class NoMembership(DomainError):
    code = "trial_no_membership"
    title = gettext_lazy("No member has this phone. Join with it first: the test then lands in your own inbox, too.")


class TakenMembership(DomainError):
    code = "trial_membership_taken"
    title = gettext_lazy("Another colleague uses this membership for tests.")


class TooManyReceivers(DomainError):
    code = "trial_too_many_receivers"
    title = gettext_lazy("Choose one to five colleagues.")


class EnoughTests(DomainError):
    code = "trial_enough"
    title = gettext_lazy("One of them has had twenty tests in the last 24 hours. Try again tomorrow.")


class QuietNow(DomainError):
    code = "trial_quiet_hours"
    title = gettext_lazy("These are quiet hours: tests rest like every other message.")


class ChannelClosed(DomainError):
    code = "trial_channel_closed"
    title = gettext_lazy("This channel has stopped by itself after trouble. See its page.")


class NotTestable(DomainError):
    code = "trial_not_testable"
    title = gettext_lazy("On this channel colleagues send by hand, so there is nothing to test by machine.")


@dataclass(frozen=True)
class Message:
    """A draft's message. `what` names the step or policy ("care.remind"); `version` stands on the channel meant."""

    what: str
    version: Version


def ask_code(*, phone: str, network: str) -> codes.CodeSent:
    """Prove a phone of one's own. Raises NoMembership, PhoneInvalid, TooManyCodes, CodeNotSent. With no transaction open."""
    if members.find_by_phone(phone) is None:
        raise NoMembership
    return codes.request(phone=phone, network=network, purpose=PURPOSE, device="")


def enrol(*, user_id: int, request_id: str, code: str) -> Tester:
    """From now on tests may go to this membership. Raises CodeWrong, CodeSpent, NoMembership, TakenMembership."""
    with transaction.atomic():
        verdict = codes.redeem(request_id=request_id, code=code, purpose=PURPOSE)
        if verdict.refusal is None:
            return _enrolled(user_id, verdict.phone)
    raise verdict.refusal  # the try stays counted


def _enrolled(user_id: int, phone: str) -> Tester:
    member_id = members.find_by_phone(phone)
    if member_id is None:
        raise NoMembership
    if Tester.objects.filter(member_id=member_id).exclude(user_id=user_id).exists():
        raise TakenMembership
    row, _is_new = Tester.objects.update_or_create(
        user_id=user_id, defaults={"member_id": member_id, "since": clock.now()}
    )
    audit.record("tester.enrolled", object_type="tester", object_id=row.pk)
    return row


@transaction.atomic
def leave(*, user_id: int) -> None:
    """No more tests to this person's membership. Again is a no-op."""
    for row in Tester.objects.select_for_update().filter(user_id=user_id):
        audit.record("tester.left", object_type="tester", object_id=row.pk)
        row.delete()


def testers() -> list[Tester]:
    """Those who work here now, with their names (`user.staff`)."""
    working = Staff.objects.filter(is_active=True, user__is_active=True).values("user_id")
    return list(Tester.objects.filter(user_id__in=working).select_related("user__staff").order_by("user__staff__name"))


def own(*, user_id: int) -> Tester | None:
    return Tester.objects.filter(user_id=user_id).first()


def recent(what: str, limit: int = 10) -> list[Trial]:
    """The newest tests of a journey ("care.") or of a policy by its key."""
    of = {"what__startswith": what} if what.endswith(".") else {"what": what}
    return list(Trial.objects.filter(**of).select_related("by__staff").order_by("-id")[:limit])


def send(message: Message, *, tester_ids: Sequence[int], user_id: int) -> list[Trial]:
    """To each of these colleagues, now. Call it with no transaction open; a lost answer is never sent again.

    Raises TooManyReceivers, EnoughTests, QuietNow, ChannelClosed, NotTestable.
    """
    if not 1 <= len(set(tester_ids)) <= MOST:
        raise TooManyReceivers
    moment, channel = clock.now(), message.version.channel
    rows = _written(message, tester_ids=tester_ids, user_id=user_id, moment=moment)
    lanes.enter(channel, moment=moment)
    lanes.spent(channel, len(rows), moment=moment)
    for row in rows:
        answer = _SENDERS[Channel(channel)](row, message)
        row.state = Trial.State(answer.state) if answer.state in Trial.State.values else Trial.State.REFUSED
        row.code = answer.code[:60]
        row.save(update_fields=["state", "code"])
    return rows


@transaction.atomic(durable=True)
def _written(message: Message, *, tester_ids: Sequence[int], user_id: int, moment: datetime) -> list[Trial]:
    channel = message.version.channel
    if channel == Channel.WECOM:
        raise NotTestable
    if gate.load().on(channel).is_quiet(moment):
        raise QuietNow
    if Lane.objects.filter(channel=channel).exclude(circuit=Lane.Circuit.CLOSED).exists():
        raise ChannelClosed
    wanted = [row for row in testers() if row.pk in set(tester_ids)]
    if len(wanted) != len(set(tester_ids)):
        raise TooManyReceivers
    list(Tester.objects.select_for_update().filter(pk__in=[row.pk for row in wanted]).order_by("pk"))
    since = moment - timedelta(days=1)
    for row in wanted:
        if Trial.objects.filter(member_id=row.member_id, at__gt=since).count() >= A_DAY:
            raise EnoughTests
    values = _values(message.version, [row.member_id for row in wanted], moment=moment)
    made = Trial.objects.bulk_create(
        [
            Trial(
                member_id=row.member_id, by_id=user_id, what=message.what[:60], channel=channel, at=moment,
                text=_marked(message.version, values[row.member_id]),
            )
            for row in wanted
        ]
    )  # fmt: skip
    facts = {"what": message.what, "channel": channel, "receivers": [row.pk for row in wanted]}
    audit.record("care.trial_sent", object_type="trial", object_id=made[0].pk, after=facts)
    return made


def _values(version: Version, member_ids: Sequence[int], *, moment: datetime) -> dict[int, dict[str, str]]:
    """Each receiver's own; where there is none, what stands in for it, else the variable's name in brackets."""
    names = templates.variables(version.template)
    known = templates.values_of(member_ids, names=names, moment=moment)
    stands_in = {name: version.missing.get(name, {}).get("value") or f"[{name}]" for name in names}
    return {
        member_id: {name: known[member_id].get(name) or stands_in[name] for name in names} for member_id in member_ids
    }


def _marked(version: Version, values: Mapping[str, str]) -> str:
    """As it arrives. A mini-program message has only its fields; a vendor sends its approved text word for word."""
    text = templates.render(version.template, values=values, missing={}).text
    if version.channel == Channel.WECHAT or (version.channel == Channel.SMS and not sms.is_simulated()):
        return text
    return _mark() % {"text": text}


def _mark() -> str:
    return _("[Test] %(text)s")


def _address(row: Trial, channel: Channel) -> tuple[bytes, bytes] | None:
    """(sealed, wrapped)"""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select x.sealed, x.wrapped from members_member m join lateral ({members.sealed('%(kind)s')}) x on true"
            " where m.id = %(member)s",
            {"kind": _KINDS[channel], "member": row.member_id},
        )
        found = cursor.fetchone()
    return (bytes(found[0]), bytes(found[1])) if found and found[0] is not None and found[1] is not None else None


def _opened(row: Trial, channel: Channel) -> str | None:
    found = _address(row, channel)
    return members.open_identity(_KINDS[channel], sealed=found[0], wrapped=found[1]) if found else None


def _refused(row: Trial, code: str) -> Outcome:
    return Outcome(_key(row), "refused", code=code)


def _key(row: Trial) -> str:
    return f"test:{row.pk}"


def _by_inbox(row: Trial, message: Message) -> Outcome:
    letter = inbox.Letter(_key(row), row.member_id, brand.name(), row.text)
    return inbox.deliver_batch([letter], moment=clock.now())[0]


def _by_sms(row: Trial, message: Message) -> Outcome:
    version, phone = message.version, _opened(row, Channel.SMS)
    if phone is None:
        return _refused(row, reasons.NO_ADDRESS)
    name, is_ready = _registered(version)
    if not is_ready:
        return _refused(row, "TEMPLATE_UNAPPROVED")
    kind: Kind = "transactional" if version.is_transactional else "marketing"
    values = _values(version, [row.member_id], moment=row.at)[row.member_id]
    told = () if sms.is_simulated() else tuple((one, values[one]) for one in templates.variables(version.template))
    text = templates.composed(row.text, channel=Channel.SMS, kind=kind)
    return sms.send_batch([Outgoing(_key(row), phone, text, kind, name, told)])[0]


def _registered(version: Version) -> tuple[str, bool]:
    """The platform's name of the text, and whether it may be sent: a vendor knows published texts only, ours learns this one now."""
    kind: Registry = "notice" if version.is_transactional else "promo"
    if sms.is_simulated():
        text = _mark() % {"text": version.template}
        name = "test-" + hashlib.sha256(text.encode()).hexdigest()[:16]
        return name, sms.register(name=name, kind=kind, text=text).state == "accepted"
    published = Version.objects.filter(policy__key=version.policy.key, policy__version=F("number")).first()
    if published is None or published.template != version.template:
        return "", False
    name = f"{version.policy.key}-v{published.number}"
    return name, sms.register(name=name, kind=kind, text=version.template).state == "accepted"


def _by_mail(row: Trial, message: Message) -> Outcome:
    address = _opened(row, Channel.EMAIL)
    if address is None:
        return _refused(row, reasons.NO_ADDRESS)
    digests = Identity.objects.filter(member_id=row.member_id, kind="email").values_list("digest", flat=True)
    if Suppression.objects.filter(digest__in=[bytes(digest) for digest in digests]).exists():
        return _refused(row, reasons.SUPPRESSED)
    subject = _mark() % {"text": message.version.content.get("subject", "")}
    # A test has nobody to leave: the way out leads to the house, and withdraws nothing.
    return mail.send_batch([Mail(_key(row), address, subject, row.text, brand.name(), settings.PUBLIC_URL)])[0]


def _by_wechat(row: Trial, message: Message) -> Outcome:
    sealed, wrapped = _address(row, Channel.WECHAT) or (None, None)
    claim = outcomes.Claim(row.pk, row.member_id, 0, 0, 0)
    note = subscribing.written(claim, text=row.text, content=message.version.content, wrapped=wrapped, sealed=sealed)
    if not isinstance(note, subscribing.Note):
        return _refused(row, note.reason)
    return subscribing.delivered(note._replace(key=_key(row)))


_SENDERS: dict[Channel, Callable[[Trial, Message], Outcome]] = {
    Channel.INBOX: _by_inbox, Channel.SMS: _by_sms, Channel.EMAIL: _by_mail, Channel.WECHAT: _by_wechat,
}  # fmt: skip
