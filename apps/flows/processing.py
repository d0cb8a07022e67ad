"""The record of processing: for what, on what ground, how sensitive, for how long and with whom each table's data is used.

Built from the holdings and from config/access.yaml; who else receives data stands here, for this record and for members.
"""

from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core import holdings
from apps.core.holdings import Holding
from apps.flows import export_words
from apps.gateways import mail
from apps.segments.packs import making
from apps.stores import access
from apps.stores.models import Role


@dataclass(frozen=True)
class Purpose:
    """One line of the record. `permission`: who among the staff sees pages with this data."""

    title: str | Promise
    why: str | Promise
    ground: str | Promise
    recipients: str | Promise
    permission: str


_NOBODY = gettext_lazy("Nobody outside the brand")
_CONTRACT = gettext_lazy("Contract: the membership the person asked for")
PURPOSES: dict[str, Purpose] = {
    "membership": Purpose(
        gettext_lazy("Membership"),
        gettext_lazy("Know who a member is, in every store and channel"),
        _CONTRACT,
        _NOBODY,
        "members.view",
    ),
    "access": Purpose(
        gettext_lazy("Log-in and safety"),
        gettext_lazy("Let members in, and nobody in their place"),
        _CONTRACT,
        gettext_lazy("SMS platform: phone number and code; WeChat: log-in code"),
        "members.view",
    ),
    "orders": Purpose(
        gettext_lazy("Orders and refunds"),
        gettext_lazy("Deliver, refund, keep the books"),
        gettext_lazy("Contract, and the law on book-keeping"),
        _NOBODY,
        "orders.view",
    ),
    "consent": Purpose(
        gettext_lazy("Proof of consent"),
        gettext_lazy("Show who agreed to what, when, under which text"),
        gettext_lazy("Legal duty"),
        _NOBODY,
        "members.view",
    ),
    "care": Purpose(
        gettext_lazy("Messages"),
        gettext_lazy("Care for members and tell them of offers, in the channels they allowed"),
        gettext_lazy("Consent per purpose and channel; under 14 also that of a guardian"),
        gettext_lazy(
            "SMS platform: phone number and text; WeChat: open id and text; WeCom: contact id and text; e-mail: address and text"
        ),
        "messages.view",
    ),
    "profiling": Purpose(
        gettext_lazy("Statistics and personalisation"),
        gettext_lazy("Life stage and buying habits, so that a message fits"),
        gettext_lazy("Consent, given with the rules of membership; it can be switched off at any time"),
        _NOBODY,
        "members.view",
    ),
    "advertising": Purpose(
        gettext_lazy("Adverts elsewhere"),
        gettext_lazy(
            "Have adverts of ours shown, or not shown, on other platforms to members who allow it and to people like them"
        ),
        gettext_lazy("Separate consent; it can be taken back at any time, and earlier packs are then called back"),
        gettext_lazy("Advertising platforms: SHA-256 of phone, e-mail address or open id"),
        "segments.pack",
    ),
    "rights": Purpose(
        gettext_lazy("Members' rights"),
        gettext_lazy("Meet requests for a copy or for erasure, and show that they were met"),
        gettext_lazy("Legal duty"),
        _NOBODY,
        "privacy.view",
    ),
}


SENSITIVITIES: dict[str, str | Promise] = {
    "sensitive": gettext_lazy("Sensitive"),
    "personal": gettext_lazy("Personal"),
    "technical": gettext_lazy("Technical"),
}
_REACHES: dict[str, str | Promise] = {
    "all": gettext_lazy("all members"),
    "region": gettext_lazy("those of their region"),
    "store": gettext_lazy("those of their store"),
    "own": gettext_lazy("their own"),
}


@dataclass(frozen=True)
class Recipient:
    """Somebody outside the brand who gets data. `is_abroad`: processed outside mainland China (`RECIPIENTS_ABROAD`)."""

    name: str | Promise
    receives: str | Promise
    is_abroad: bool


@dataclass(frozen=True)
class Table:
    """A table under a purpose, in words. `sensitivity` is a key of SENSITIVITIES."""

    title: str
    sensitivity: str
    fields: str
    kept_for: str
    on_erasure: str


@dataclass(frozen=True)
class Entry:
    purpose: Purpose
    readers: str
    tables: tuple[Table, ...]


def record() -> list[Entry]:
    """Every purpose with the tables that serve it, in the order above."""
    all_holdings = holdings.holdings()
    return [
        Entry(
            purpose=purpose,
            readers=readers(purpose.permission),
            tables=tuple(_table(held) for held in all_holdings if held.purpose == key),
        )
        for key, purpose in PURPOSES.items()
    ]


def recipients() -> list[Recipient]:
    """Who receives data as this house is set up, the host of the servers first."""
    named: list[tuple[str, str | Promise, str | Promise]] = [
        (
            "hosting",
            _("Host of the servers"),
            _("Keeps all data for us; phone numbers are encrypted."),
        ),
        ("sms", _("SMS provider"), _("Your phone number and the text, when we write to you or send a code.")),
    ]
    if settings.WECHAT_APPS:
        words = _(
            "Only if you come by the mini-program: WeChat tells us who you are there; we send it the messages you asked for."
        )
        named.append(("wechat", _("WeChat"), words))
    if settings.WECOM_CORP_ID:
        words = _(
            "Only if you add one of our staff there: WeCom tells us who you are there; we send it what we write to you."
        )
        named.append(("wecom", _("WeCom"), words))
    if mail.is_set_up():
        words = _("Only if we know your e-mail address: the address and the text, when we write to you there.")
        named.append(("mail", _("E-mail provider"), words))
    words = _(
        "Only if you allow adverts on other platforms: a scrambled form of your number, e-mail address or WeChat id."
    )
    named += [("advertising", name, words) for name in making.recipients()]
    return [Recipient(name, receives, key in settings.RECIPIENTS_ABROAD) for key, name, receives in named]


def readers(permission: str) -> str:
    """Roles by how far they see: "Administrator, auditor: all members; store manager: those of their store"."""
    reaches = access.rules().permissions[permission]
    parts = []
    for reach, words in _REACHES.items():
        if roles := [str(role.label) for role in Role if reaches.get(role) == reach]:
            parts.append(_("%(roles)s: %(reach)s") % {"roles": _(", ").join(roles), "reach": words})
    return _("; ").join(parts)


def age(days: int, *, since: str) -> str:
    """How long rows stay, counted from the time in `since`: their making, or their own end."""
    if since == "expires_at" or since.endswith("_expires_at"):
        return ngettext("%(days)s day after its end", "%(days)s days after its end", days) % {"days": days}
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def _table(held: Holding) -> Table:
    model = holdings.model_of(held.model)
    known = {field.name: field for field in model._meta.concrete_fields}
    names = [export_words.column(name, known.get(name)) for name in held.export]
    return Table(
        title=export_words.table(model),
        sensitivity=held.sensitivity,
        fields=_(", ").join(names) or _("Nothing a person could read"),
        kept_for=age(held.retain_days, since=held.since)
        if held.retain_days is not None
        else _("As long as the membership"),
        on_erasure=_("Deleted") if held.on_erase == "delete" else str(held.reason),
    )
