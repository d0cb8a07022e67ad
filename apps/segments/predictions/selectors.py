"""What pages and higher floors may ask about predictions. Nothing heavy is imported here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count

from apps.core import clock
from apps.segments.models import CategoryCycle, MemberCycle, Prediction, PredictionModel, PredictionRun
from apps.segments.predictions import reasons, terms
from apps.segments.predictions.reasons import Reason
from apps.segments.predictions.sufficiency import NEEDED

MOST_DUE = 5
MOST_VERSIONS = 20
MOST_CATEGORIES = 50


@dataclass(frozen=True)
class Standing:
    """What is predicted of one member. Money in 分; `ahead_days` that lapsing and orders look ahead, `clv_days` the value."""

    p_alive: float
    p_lapse: float
    band: str
    band_label: str
    expected_orders: float
    clv_cents: int
    next_order_on: date | None
    reasons: tuple[Reason, ...]
    version: int
    scored_at: datetime
    clv_days: int
    ahead_days: int = terms.AHEAD_DAYS


@dataclass(frozen=True)
class Gate:
    """What the newest scoring counted against what is needed: (name, counted, needed)."""

    is_enough: bool
    counts: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Due:
    """Something a member will probably need again."""

    category: str
    product: str
    due_on: date
    gap_days: float
    is_own: bool


def of_member(member_id: int) -> Standing | None:
    """None: nothing is predicted of them. Whether it may be shown asks `members.may_be_profiled`."""
    row = Prediction.objects.filter(pk=member_id).select_related("model").first()
    if row is None:
        return None
    return Standing(
        p_alive=row.p_alive,
        p_lapse=row.p_lapse,
        band=row.band,
        band_label=str(row.get_band_display()),
        expected_orders=row.expected_orders,
        clv_cents=row.clv_cents,
        next_order_on=row.next_order_on,
        reasons=tuple(reasons.told(row.reasons, row.reason_values)),
        version=row.model.version,
        scored_at=row.scored_at,
        clv_days=int(row.model.parameters["clv_days"]),
    )


def due_of(member_id: int) -> list[Due]:
    """What comes due from a week ago on, the earliest first."""
    today = clock.local_date(clock.now())
    found = MemberCycle.objects.filter(member_id=member_id).select_related("category", "product")
    return [
        Due(row.category.name, row.product.name, row.due_on, row.gap_days, row.is_own)
        for row in found.order_by("due_on", "category_id")[: 10 * MOST_DUE]
        if (today - row.due_on).days <= 7
    ][:MOST_DUE]


def active() -> PredictionModel | None:
    return PredictionModel.objects.filter(is_active=True).first()


def versions() -> list[PredictionModel]:
    """The newest first."""
    return list(PredictionModel.objects.order_by("-version")[:MOST_VERSIONS])


def former() -> PredictionModel | None:
    """What a roll-back would go back to."""
    return PredictionModel.objects.filter(is_active=False, activated_at__isnull=False).order_by("-activated_at").first()


def last_run() -> PredictionRun | None:
    return PredictionRun.objects.select_related("model").order_by("-finished_at").first()


def gate(run: PredictionRun | None) -> Gate | None:
    """None before the first scoring."""
    if run is None:
        return None
    counts = tuple((name, int(run.sufficiency[name]), needed) for name, needed in NEEDED.items())
    return Gate(is_enough=run.is_sufficient, counts=counts)


def bands() -> dict[str, int]:
    """Members by band of the chance of lapsing, every band named."""
    counted: dict[str, Any] = dict(Prediction.objects.values_list("band").annotate(Count("pk")))
    return {band: counted.get(band, 0) for band in Prediction.Band.values}


def cycles(*, limit: int = MOST_CATEGORIES) -> list[CategoryCycle]:
    """Of the categories that most members buy."""
    return list(CategoryCycle.objects.select_related("category").order_by("-members", "category_id")[:limit])
