"""What the clerk sees of a member: enough to serve them, nothing that names them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from apps.activity.models import Event
from apps.catalog.models import Product
from apps.core import clock
from apps.members import phones
from apps.members import selectors as members
from apps.members.models import Consent
from apps.members.names import half_hidden
from apps.orders.models import Order
from apps.points import offers, selectors
from apps.points.models import Exchange, Tier
from apps.tickets.models import Ticket


@dataclass(frozen=True)
class Flag:
    """`icon`: a symbol of icons.svg."""

    icon: str
    text: str


@dataclass(frozen=True)
class Strip:
    name: str
    tail: str
    tier: str
    points: int
    last_visit: str
    flags: tuple[Flag, ...]


def of(member_id: int, *, store_id: int, moment: datetime | None = None) -> Strip:
    moment = moment or clock.now()
    card = members.card(member_id)
    totals = selectors.totals(member_id=member_id, moment=moment)
    tier = Tier.objects.filter(key=offers.tier_key(member_id)).first()
    english = not (get_language() or "").startswith("zh")
    name = (tier.name_en if english and tier.name_en else tier.name) if tier else ""
    flags = (
        _birthday(card.birthday, moment), _asks(member_id), _quiet(member_id), _waiting(member_id, store_id), _viewed(member_id),
    )  # fmt: skip
    return Strip(
        name=half_hidden(card.nickname) or card.member_no,
        tail=card.masked_phone[-phones.TAIL :],
        tier=name,
        points=totals.balance,
        last_visit=_last_visit(member_id, moment),
        flags=tuple(flag for flag in flags if flag),
    )


def _birthday(birthday: tuple[int | None, int | None, int | None], moment: datetime) -> Flag | None:
    _year, month, day = birthday
    today = clock.local_date(moment)
    if month != today.month:
        return None
    return Flag("cake", _("Birthday today") if day == today.day else _("Birthday this month"))


def _quiet(member_id: int) -> Flag | None:
    said = members.standings(member_id, purpose=Consent.Purpose.MARKETING, channel=Consent.Channel.SMS)
    is_no = bool(said) and (not said[0].is_granted or said[0].has_ended)
    return Flag("quiet", _("Wants no SMS")) if is_no else None


def _waiting(member_id: int, store_id: int) -> Flag | None:
    rows = Exchange.objects.filter(member_id=member_id, state=Exchange.State.READY)
    count = rows.filter(Q(store_id=store_id) | Q(store=None)).count()
    text = ngettext("%(n)s gift to pick up", "%(n)s gifts to pick up", count) % {"n": count}
    return Flag("ticket", text) if count else None


def _asks(member_id: int) -> Flag | None:
    """What the member waits for, so that nobody at the till has to be told it again; of several the newest, and how many more."""
    rows = list(Ticket.objects.filter(member_id=member_id, ended_at=None).order_by("-pk")[:9])
    if not rows:
        return None
    said = _("%(kind)s: %(state)s") % {"kind": rows[0].get_kind_display(), "state": rows[0].get_state_display()}
    if more := len(rows) - 1:
        said = _("%(said)s, and %(n)s more") % {"said": said, "n": more}
    return Flag("chat", said)


def _viewed(member_id: int) -> Flag | None:
    """The product looked at last online, of who allows it."""
    if not members.may_be_profiled(member_id):
        return None
    seen = Event.objects.filter(member_id=member_id, name="product_viewed").order_by("-occurred_at").first()
    sku = seen.properties.get("sku") if seen else None
    name = Product.objects.filter(sku=sku).values_list("name", flat=True).first() if sku else None
    return Flag("search", _("Looked at %(product)s online") % {"product": name}) if name else None


def _last_visit(member_id: int, moment: datetime) -> str:
    rows = Order.objects.filter(member_id=member_id, paid_at__lte=moment).exclude(status=Order.Status.CANCELLED)
    last = rows.order_by("-paid_at").values_list("paid_at", flat=True).first()
    if last is None:
        return _("First visit")
    days = (clock.local_date(moment) - clock.local_date(last)).days
    return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days} if days else _("today")
