"""The record of processing: for what, on what ground, for how long and with whom each table's data is used. Built from the holdings."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core import holdings
from apps.core.holdings import Holding
from apps.flows import export_words


@dataclass(frozen=True)
class Purpose:
    """One line of the record."""

    title: str | Promise
    why: str | Promise
    ground: str | Promise
    recipients: str | Promise


_NOBODY = gettext_lazy("Nobody outside the brand")
_CONTRACT = gettext_lazy("Contract: the membership the person asked for")
PURPOSES: dict[str, Purpose] = {
    "membership": Purpose(
        gettext_lazy("Membership"),
        gettext_lazy("Know who a member is, in every store and channel"),
        _CONTRACT,
        _NOBODY,
    ),
    "access": Purpose(
        gettext_lazy("Log-in and safety"),
        gettext_lazy("Let members in, and nobody in their place"),
        _CONTRACT,
        gettext_lazy("SMS platform: phone number and code; WeChat: log-in code"),
    ),
    "orders": Purpose(
        gettext_lazy("Orders and refunds"),
        gettext_lazy("Deliver, refund, keep the books"),
        gettext_lazy("Contract, and the law on book-keeping"),
        _NOBODY,
    ),
    "consent": Purpose(
        gettext_lazy("Proof of consent"),
        gettext_lazy("Show who agreed to what, when, under which text"),
        gettext_lazy("Legal duty"),
        _NOBODY,
    ),
    "care": Purpose(
        gettext_lazy("Messages"),
        gettext_lazy("Care for members and tell them of offers, in the channels they allowed"),
        gettext_lazy("Consent per purpose and channel; under 14 also that of a guardian"),
        gettext_lazy("SMS platform: phone number and text; WeChat: open id and text"),
    ),
    "profiling": Purpose(
        gettext_lazy("Statistics and personalisation"),
        gettext_lazy("Life stage and buying habits, so that a message fits"),
        gettext_lazy("Legitimate interest for counts; consent for anything shown or sent because of them"),
        _NOBODY,
    ),
    "rights": Purpose(
        gettext_lazy("Members' rights"),
        gettext_lazy("Meet requests for a copy or for erasure, and show that they were met"),
        gettext_lazy("Legal duty"),
        _NOBODY,
    ),
}


@dataclass(frozen=True)
class Table:
    """A table under a purpose, in words."""

    title: str
    fields: str
    kept_for: str
    on_erasure: str


@dataclass(frozen=True)
class Entry:
    purpose: Purpose
    tables: tuple[Table, ...]


def record() -> list[Entry]:
    """Every purpose with the tables that serve it, in the order above."""
    all_holdings = holdings.holdings()
    return [
        Entry(purpose=purpose, tables=tuple(_table(held) for held in all_holdings if held.purpose == key))
        for key, purpose in PURPOSES.items()
    ]


def age(days: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def _table(held: Holding) -> Table:
    model = holdings.model_of(held.model)
    known = {field.name: field for field in model._meta.concrete_fields}
    names = [export_words.column(name, known.get(name)) for name in held.export]
    return Table(
        title=export_words.table(model),
        fields=_(", ").join(names) or _("Nothing a person could read"),
        kept_for=age(held.retain_days) if held.retain_days is not None else _("As long as the membership"),
        on_erasure=_("Deleted") if held.on_erase == "delete" else str(held.reason),
    )
