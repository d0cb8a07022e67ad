"""Everything a rule may ask about, by name: the one list. Editor, schema, sentences and SQL are made from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.members.models import Consent, Identity, Member
from apps.segments.language import dated, keyed, measures
from apps.segments.language.columns import Column
from apps.segments.models import Cell, Prediction, Stage

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

Build = Callable[["Compiler", Mapping[str, Any], str], Column]

# Joins by name. A builder names them in this order: later ones stand on earlier ones.
JOINS = {
    "s": "left join segments_memberstats s on s.member_id = m.id",
    "last": "left join orders_order lo on lo.id = s.last_order_id",
    "home": "left join stores_store hs on hs.id = m.home_store_id left join stores_region hr on hr.id = hs.region_id",
    "top_store": "left join stores_store ts on ts.id = s.top_store_id",
    "taste": "left join catalog_category tc on tc.id = s.top_category_id",
    "foreseen": "left join segments_prediction fo on fo.member_id = m.id",
    "tier": "left join points_standing st on st.member_id = m.id left join points_tier ti on ti.id = st.tier_id",
}


@dataclass(frozen=True)
class Field:
    """`type` as in `Column`; "" where the key decides. `unit`: "分", "days", "points", "orders", "percent" … for the sentence.

    `where`: the names by which it can be narrowed. `moves`: time alone changes it ("days"), even without a window.
    """

    title: Promise
    heading: Promise
    type: str
    build: Build
    unit: str = ""
    labels: Mapping[str, Any] | None = None
    is_profiling: bool = False
    has_key: bool = False
    has_window: bool = False
    where: tuple[str, ...] = ()
    moves: str = ""


def _plain(column: Column, *joins: str) -> Build:
    def build(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
        for name in joins:
            compiler.join(name)
        return column

    return build


def _stat(title: Any, sql: str, type_: str, **more: Any) -> Field:
    """A column of the member's stats. Who has none bought nothing."""
    empty = more.pop("empty", None)
    values = list(more["labels"]) if more.get("labels") else None
    column = Column(type_, sql, empty=empty, values=values)
    return Field(title, _BOUGHT, type_, _plain(column, "s"), is_profiling=True, **more)


def _foreseen(title: Any, sql: str, type_: str, **more: Any) -> Field:
    """A column of the member's prediction; of whom nothing is predicted fits nothing."""
    values = list(more["labels"]) if more.get("labels") else None
    return Field(title, _AHEAD, type_, _plain(Column(type_, sql, values=values), "foreseen"), is_profiling=True, **more)


def _tier(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    compiler.join("tier")
    tiers = compiler.known.tiers
    return Column("choice", "ti.key", empty=tiers[0] if tiers else None, values=tiers)


_PERSON, _BOUGHT, _AHEAD = _("Person"), _("Purchases in all"), _("Predictions")
_TRACKS, _WORKED_OUT = _("Life tracks"), _("Computed traits")
_SERVED = _("After-sales")
_GIVEN, WINDOWED, _OTHERS = _("Points, tier, coupons"), _("Purchases and behaviour in a stretch of time"), _("Groups")
_AGE = """(extract(year from %(today)s::date)::int - m.birth_year - (
    coalesce(m.birth_month, 12) * 100 + coalesce(m.birth_day, 31) > to_char(%(today)s::date, 'MMDD')::int
)::int)"""
_CYCLES = (
    "(extract(epoch from %(moment)s::timestamptz - s.last_order_at)::float8 / 86400 / nullif(s.gap_median_days, 0))"
)
_STAGES, _CELLS = dict(Stage.choices), dict(Cell.choices)
_ORDERS = ("stores", "channels", "at_least_cents")
_GOODS = ("products", "categories", "brands", "stores", "channels")

FIELDS: dict[str, Field] = {
    "gender": Field(_("Gender"), _PERSON, "choice", _plain(Column("choice", "m.gender", values=Member.Gender.values)),
                    labels=dict(Member.Gender.choices)),
    "age": Field(_("Age"), _PERSON, "number", _plain(Column("number", _AGE)), unit="years", moves="days"),
    "birthday": Field(_("Birthday"), _PERSON, "day", _plain(Column("day", "(m.birth_month * 100 + m.birth_day)"))),
    "birth_month": Field(_("Month of birth"), _PERSON, "number", _plain(Column("number", "m.birth_month"))),
    "home_store": Field(_("Home store"), _PERSON, "choice", _plain(Column("choice", "hs.code"), "home")),
    "home_region": Field(_("Region of the home store"), _PERSON, "choice", _plain(Column("choice", "hr.name"), "home")),
    "source": Field(_("Came from"), _PERSON, "choice", _plain(Column("choice", "m.source"))),
    "joined_at": Field(_("Joined"), _PERSON, "date", _plain(Column("date", "m.joined_at"))),
    "tags": Field(_("Tags"), _PERSON, "tags", _plain(Column("tags", "m.tags"))),
    "attribute": Field(_("Member field"), _PERSON, "", keyed.attribute, has_key=True),
    "consent": Field(_("Consent"), _PERSON, "flag", keyed.consent, has_key=True, moves="hours"),
    "identity": Field(_("Known by"), _PERSON, "flag", keyed.identity, has_key=True, labels=dict(Identity.Kind.choices)),
    "stage": _stat(_("Life stage"), "s.stage", "choice", labels=_STAGES, empty=Stage.PROSPECT.value),
    "stage_since": _stat(_("In this life stage since"), "s.stage_since", "date"),
    "cell": _stat(_("RFM cell"), "s.cell", "choice", labels=_CELLS),
    "r": _stat(_("RFM: recency"), "s.r", "number"),
    "f": _stat(_("RFM: frequency"), "s.f", "number"),
    "m": _stat(_("RFM: money"), "s.m", "number"),
    "orders": _stat(_("Orders in all"), "s.orders", "number", empty=0, unit="orders"),
    "net_cents": _stat(_("Spent in all"), "s.net_cents", "number", empty=0, unit="cents"),
    "average_cents": _stat(_("Spent per order"), "(s.net_cents / nullif(s.orders, 0))", "number", unit="cents"),
    "first_order_at": _stat(_("First order"), "s.first_order_at", "date"),
    "last_order_at": _stat(_("Last order"), "s.last_order_at", "date"),
    "gap_days": _stat(_("Own purchase cycle"), "s.gap_median_days", "decimal", unit="days"),
    "cycles": _stat(_("Own purchase cycles since the last order"), _CYCLES, "decimal", moves="hours"),
    "top_hour": _stat(_("Usual hour"), "s.top_hour", "number", unit="hour"),
    "top_channel": _stat(_("Usual channel"), "s.top_channel", "choice"),
    "top_store": Field(_("Usual store"), _BOUGHT, "choice", _plain(Column("choice", "ts.code"), "s", "top_store"), is_profiling=True),
    "top_category": Field(_("Favourite category"), _BOUGHT, "choice", _plain(Column("choice", "tc.name"), "s", "taste"),
                          is_profiling=True),
    "last_channel": Field(_("Channel of the last order"), _BOUGHT, "choice", _plain(Column("choice", "lo.channel"), "s", "last"),
                          is_profiling=True),
    "p_lapse": _foreseen(_("Chance of no purchase in 90 days"), "(fo.p_lapse * 100)", "decimal", unit="percent"),
    "lapse_band": _foreseen(_("How likely no purchase is"), "fo.band", "choice", labels=dict(Prediction.Band.choices)),
    "p_alive": _foreseen(_("Chance of still being a customer"), "(fo.p_alive * 100)", "decimal", unit="percent"),
    "expected_orders": _foreseen(_("Purchase days to expect in 90 days"), "fo.expected_orders", "decimal", unit="days"),
    "clv_cents": _foreseen(_("Value to expect"), "fo.clv_cents", "number", unit="cents"),
    "next_order_on": _foreseen(_("Next order probably by"), "(fo.next_order_on::timestamp at time zone 'Asia/Shanghai')", "date"),
    "replenish_on": Field(_("Probably needed again"), _AHEAD, "date", dated.replenish, has_key=True, is_profiling=True),
    "track_step": Field(_("Step of a life track"), _TRACKS, "tags", dated.track("steps"), has_key=True, is_profiling=True),
    "track_days": Field(_("Days on the step of a life track"), _TRACKS, "number", dated.track("days"), unit="days", has_key=True,
                        is_profiling=True, moves="days"),
    "track_ahead": Field(_("Days until the next step of a life track"), _TRACKS, "number", dated.track("ahead"), unit="days",
                         has_key=True, is_profiling=True, moves="days"),
    "track_anchor": Field(_("Day of a life track"), _TRACKS, "date", dated.track("anchor"), has_key=True, is_profiling=True),
    "tier": Field(_("Tier"), _GIVEN, "choice", _tier),
    "tier_until": Field(_("Tier valid until"), _GIVEN, "date", _plain(Column("date", "st.valid_until"), "tier")),
    "points": Field(_("Balance of points"), _GIVEN, "number", measures.points, unit="points", has_key=True),
    "points_expiring": Field(_("Points that expire"), _GIVEN, "number", measures.points_expiring, unit="points", has_key=True,
                             has_window=True, moves="hours"),
    "coupons_usable": Field(_("Usable coupons"), _GIVEN, "number", measures.coupons_usable, unit="coupons", has_window=True,
                            where=("templates",), moves="hours"),
    "coupons_used": Field(_("Coupons used"), _GIVEN, "number", measures.coupons_used, unit="coupons", has_window=True,
                          where=("templates", "stores"), is_profiling=True),
    "order_count": Field(_("Orders"), WINDOWED, "number", measures.orders("n"), unit="orders", has_window=True, where=_ORDERS,
                         is_profiling=True),
    "order_cents": Field(_("Spent"), WINDOWED, "number", measures.orders("cents"), unit="cents", has_window=True, where=_ORDERS,
                         is_profiling=True),
    "refund_percent": Field(_("Share given back"), WINDOWED, "decimal", measures.refunds, unit="percent", has_window=True,
                            is_profiling=True),
    "goods_orders": Field(_("Orders with certain goods"), WINDOWED, "number", measures.goods("orders"), unit="orders", has_window=True,
                          where=_GOODS, is_profiling=True),
    "goods_quantity": Field(_("Pieces of certain goods"), WINDOWED, "decimal", measures.goods("quantity"), unit="pieces",
                            has_window=True, where=_GOODS, is_profiling=True),
    "goods_cents": Field(_("Spent on certain goods"), WINDOWED, "number", measures.goods("cents"), unit="cents", has_window=True,
                         where=_GOODS, is_profiling=True),
    "event_count": Field(_("Behaviour"), WINDOWED, "number", measures.events, unit="times", has_key=True, has_window=True,
                         where=("properties",), is_profiling=True),
    "category_drift": Field(_("Change of a category's share of spending"), WINDOWED, "decimal", measures.drift, unit="share",
                            has_key=True, is_profiling=True, moves="days"),
    "groups": Field(_("WeCom groups they are in"), _OTHERS, "number", measures.groups, unit="groups", has_window=True,
                    where=("groups",)),
    "tickets_open": Field(_("Open tickets"), _SERVED, "number", measures.tickets_open, unit="tickets", where=("ticket_kinds",)),
    "tickets": Field(_("Tickets"), _SERVED, "number", measures.tickets, unit="tickets", has_window=True, where=("ticket_kinds",)),
    "satisfaction": Field(_("Stars of the last vote"), _SERVED, "number", measures.satisfaction, unit="stars", has_window=True),
    "trait": Field(_("Computed trait"), _WORKED_OUT, "", dated.trait, has_key=True, is_profiling=True),
    "segment": Field(pgettext_lazy("of a rule", "Segment"), _OTHERS, "segment", _plain(Column("segment", ""))),
    "bucket": Field(_("Random bucket, 0 to 9,999"), _OTHERS, "number", keyed.bucket, has_key=True),
}  # fmt: skip


def register(name: str, field: Field) -> None:
    """A field of a higher floor, told when its app is ready. Raises ValueError when the name is taken."""
    if FIELDS.setdefault(name, field) is not field:
        raise ValueError(f"two fields named {name}")


CONSENT_LABELS = {
    f"{purpose}:{channel}": (purpose_label, channel_label)
    for purpose, purpose_label in Consent.Purpose.choices
    for channel, channel_label in Consent.Channel.choices
    if purpose in {"marketing", "care"} and channel != "any"
}
