"""What a member agrees to, and what they may allow: the words and their version, as shown at log-in and in the privacy centre."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.errors import NotFound
from apps.members import policy_texts
from apps.members import services as members
from apps.members.models import Consent, ConsentNow, Identity

SOURCE = "portal"
VERSION = "2026-12.2"  # of templates/portal/policy.html and of the sentences below; a new text is a new version
_P, _C = Consent.Purpose, Consent.Channel

_WHY: dict[str, str | Promise] = {
    _P.CARE: _("Birthday wishes, how to look after what you bought, a word when we have not seen you for long."),
    _P.MARKETING: _("Offers, new arrivals, invitations."),
    _P.ADVERTISING: _(
        "A scrambled form (SHA-256) of your phone number, e-mail address or WeChat id"
        " goes to the platforms named under “Who else gets data”,"
        " so that you, or people like you, see fitting adverts of ours there, or none. Off: nothing of you goes there."
    ),
    _P.PROFILING: _(
        "We look at what you buy and open here, to show and write what fits you. Off: what you open is counted without your name."
    ),
}
_LABELS: dict[tuple[str, str], str | Promise] = {
    (_P.CARE, _C.INBOX): _("Care messages in these pages"),
    (_P.CARE, _C.SMS): _("Care messages by SMS"),
    (_P.CARE, _C.WECOM): _("Care messages by WeCom"),
    (_P.CARE, _C.EMAIL): _("Care messages by e-mail"),
    (_P.MARKETING, _C.INBOX): _("Offers in these pages"),
    (_P.MARKETING, _C.SMS): _("Offers by SMS"),
    (_P.MARKETING, _C.WECOM): _("Offers by WeCom"),
    (_P.MARKETING, _C.EMAIL): _("Offers by e-mail"),
    (_P.ADVERTISING, _C.ANY): _("Adverts on other platforms"),
    (_P.PROFILING, _C.ANY): _("Personalisation"),
}
_ADDRESS: dict[str, str] = {
    _C.SMS: Identity.Kind.PHONE,
    _C.WECOM: Identity.Kind.EXTERNAL,
    _C.EMAIL: Identity.Kind.EMAIL,
}


@dataclass(frozen=True)
class Switch:
    """One purpose on one channel. `at`: since when it is as it is; None: nothing was said, which is no to every message.

    `version`: of the text that a yes is given to.
    """

    purpose: str
    channel: str
    label: str | Promise
    is_on: bool
    at: datetime | None
    version: str

    @property
    def key(self) -> str:
        return f"{self.purpose}:{self.channel}"


@dataclass(frozen=True)
class Purpose:
    """A purpose with the switches of the channels that can reach this member. `new_text` ended what they had allowed."""

    label: str
    why: str | Promise
    switches: tuple[Switch, ...]
    new_text: policy_texts.Text | None


def offers(ticked: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What a newcomer is asked: channels that work for anybody with a phone."""
    wanted, versions = (
        ((_P.CARE, _C.INBOX), (_P.CARE, _C.SMS), (_P.MARKETING, _C.INBOX), (_P.MARKETING, _C.SMS)),
        _versions(),
    )
    return [
        {
            "key": (key := f"{purpose}:{channel}"), "label": _LABELS[purpose, channel], "why": _WHY[purpose],
            "version": versions.get(purpose, VERSION), "is_ticked": key in ticked,
        }
        for purpose, channel in wanted
    ]  # fmt: skip


@transaction.atomic
def accept(*, member_id: int, wanted: Mapping[str, str]) -> None:
    """Record the ticked offers, each with the version of the text that was shown; what is not ticked was not said.

    Raises PolicyTextOutdated, and records nothing, where a text that asks again came meanwhile.
    """
    for key in [offer["key"] for offer in offers() if offer["key"] in wanted]:
        turn(member_id=member_id, key=key, is_on=True, version=wanted[key])


def purposes(member_id: int) -> list[Purpose]:
    """Every switch that means something to this member."""
    said, ended, versions = _said(member_id), asked_again(member_id), _versions()
    kinds = set(Identity.objects.filter(member_id=member_id).values_list("kind", flat=True))
    usable = [(purpose, channel) for purpose, channel in _LABELS if _ADDRESS.get(channel, "") in {"", *kinds}]
    return [
        Purpose(
            label=str(_P(purpose).label),
            why=_WHY[purpose],
            switches=tuple(_switch(said, versions, *at) for at in usable if at[0] == purpose),
            new_text=ended.get(purpose),
        )
        for purpose in (_P.CARE, _P.MARKETING, _P.ADVERTISING, _P.PROFILING)
    ]


def texts(*, in_force: bool) -> list[tuple[str, policy_texts.Text]]:
    """What the brand has published, with its purpose's name: what counts now, or what counted before, newest first."""
    moment = clock.now()
    known = [text for text in policy_texts.history() if text.effective_at <= moment and text.is_current == in_force]
    return [(str(_P(one.purpose).label), one) for one in known]


def asked_again(member_id: int) -> dict[str, policy_texts.Text]:
    """Purposes of which a yes ended with a newer text and has not been said again, with the text in force."""
    moment = clock.now()
    ended = ConsentNow.objects.filter(member_id=member_id, is_granted=True, valid_until__lte=moment)
    rows = list(ended.exclude(purpose=_P.GUARDIAN).values_list("purpose", "valid_until"))
    if not rows:
        return {}
    texts = policy_texts.history()
    enders = {(text.purpose, text.effective_at) for text in texts if text.asks_again}
    purposes = {purpose for purpose, end in rows if (purpose, end) in enders}
    return {text.purpose: text for text in texts if text.is_current and text.purpose in purposes}


def turn(*, member_id: int, key: str, is_on: bool, version: str) -> Switch:
    """Say yes or no to the text that was shown; saying the same again adds no line.

    Raises NotFound for a switch that there is not, PolicyTextOutdated for a yes on a page from before a text that asks again.
    """
    purpose, _sign, channel = key.partition(":")
    if (purpose, channel) not in _LABELS:
        raise NotFound
    if is_on:
        policy_texts.check_shown(purpose=purpose, version=version)
    before, versions = _said(member_id).get((purpose, channel)), _versions()
    if before is None or before.is_granted != is_on:
        shown = version if is_on and purpose in versions else versions.get(purpose, VERSION)
        _give(member_id, purpose, channel, is_on=is_on, version=shown)
    return _switch(_said(member_id), versions, purpose, channel)


def _versions() -> dict[str, str]:
    """The brand's text in force, by purpose."""
    return {text.purpose: text.version for text in policy_texts.in_force()}


def _said(member_id: int) -> dict[tuple[str, str], ConsentNow]:
    """What counts now. A yes that expired, or whose text was replaced, is as if nothing had been said."""
    counts = Q(valid_until=None) | Q(valid_until__gt=clock.now())
    return {(row.purpose, row.channel): row for row in ConsentNow.objects.filter(counts, member_id=member_id)}


def _switch(said: dict[tuple[str, str], ConsentNow], versions: dict[str, str], purpose: str, channel: str) -> Switch:
    row, any_channel = said.get((purpose, channel)), said.get((purpose, _C.ANY))
    rows = [line for line in (row, any_channel) if line]
    is_agreed = bool(rows) or purpose == _P.PROFILING  # the rules agreed to at log-in allow it until somebody objects
    return Switch(
        purpose=purpose,
        channel=channel,
        label=_LABELS[purpose, channel],
        is_on=is_agreed and all(line.is_granted for line in rows),  # as the gate judges: one yes, and no no
        at=max((line.at for line in rows), default=None),
        version=versions.get(purpose, VERSION),
    )


def _give(member_id: int, purpose: str, channel: str, *, is_on: bool, version: str) -> None:
    members.give_consent(
        member_id=member_id, purpose=purpose, channel=channel, is_granted=is_on, source=SOURCE, text_version=version
    )
