"""The ladder as data: what staff edit, what a change would do, and the ladder a shop begins with. The rules in words: docs/tiers.md."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit, brand, clock, jobs
from apps.core.errors import DomainError, ValidationFailed
from apps.core.models import Approval, Job, User
from apps.points import ladder_defaults, tiers
from apps.points.errors import TierInUse, TierUnknown
from apps.points.models import Benefit, Currency, Ladder, Standing, Tier, TierChange
from apps.points.tiers import Gates, Rung
from apps.stores.models import Role, Staff

KIND = "points.reassess"
LADDER, BENEFITS = "points.ladder", "points.benefits"  # questions to a second person
SETTING = "points.ladder_alone"
MOST_MONTHS = 120
MOST_TIERS = 12
_DAY = re.compile(r"\d\d-\d\d")
_TEXTS: dict[str, Promise] = {
    "unknown": _("This value is not known."),
    "months": _("A number of months from 1 to 120."),
    "day": _("A day of the year, such as 12-31."),
    "years": _("A number of years from 0 to 10."),
    "base": _("The lowest tier begins at 0, is open to everybody and cannot be lost."),
    "rising": _("Each tier begins above the one below it."),
    "many": _("A ladder has from 2 to 12 tiers."),
    "key": _("Every tier has a key of its own: small letters, digits and dashes."),
    "name": _("Every tier has a name in both languages."),
    "name_of_benefit": _("Every benefit has a kind and a name in both languages."),
    "days": _("A number of days from 0 to 366."),
}


@dataclass(frozen=True)
class Draft:
    """A ladder as it would be. `tiers` lowest first; a tier is known by its key."""

    basis: str
    currency: str
    window: dict[str, Any]
    validity: dict[str, Any]
    downgrade: str
    grace_days: int
    warn_days: int
    starts_next_period: bool
    tiers: tuple["TierDraft", ...]


@dataclass(frozen=True)
class TierDraft:
    key: str
    name: str
    name_en: str
    threshold: int
    segment_key: str = ""
    is_for_life: bool = False


@dataclass(frozen=True)
class Foreseen:
    """What a draft would do at once: members by rank before and after, those who would rise and fall."""

    rise: int
    fall: int
    after: dict[int, int]


def current() -> Draft | None:
    """The ladder as a draft of itself. None: the brand has none."""
    ladder = Ladder.objects.select_related("currency").order_by("pk").first()
    if ladder is None:
        return None
    return Draft(
        basis=ladder.basis,
        currency=ladder.currency.key if ladder.currency else "growth",
        window=ladder.window,
        validity=ladder.validity,
        downgrade=ladder.downgrade,
        grace_days=ladder.grace_days,
        warn_days=ladder.warn_days,
        starts_next_period=ladder.starts_next_period,
        tiers=tuple(
            TierDraft(tier.key, tier.name, tier.name_en, tier.threshold, tier.segment_key, tier.is_for_life)
            for tier in Tier.objects.filter(ladder=ladder)
        ),
    )


def checked(draft: Draft) -> Draft:
    """The draft, where nothing in it contradicts. Raises ValidationFailed; pointers name the fields."""
    errors: dict[str, str] = {}
    _check_window(draft, errors)
    _check_validity(draft, errors)
    known = {
        "basis": (draft.basis, Ladder.Basis.values),
        "downgrade": (draft.downgrade, Ladder.Downgrade.values),
        "currency": (draft.currency, list(Currency.objects.values_list("key", flat=True))),
    }
    errors |= {field: str(_TEXTS["unknown"]) for field, (value, allowed) in known.items() if value not in allowed}
    for field in ("grace_days", "warn_days"):
        if not 0 <= getattr(draft, field) <= 366:
            errors[field] = str(_TEXTS["days"])
    if fault := _fault_of_tiers(draft.tiers):
        errors["tiers"] = str(_TEXTS[fault])
    if errors:
        raise ValidationFailed(
            errors=[{"pointer": f"/{field}", "code": "invalid", "message": text} for field, text in errors.items()]
        )
    return replace(draft, tiers=tuple(draft.tiers))


def foresee(draft: Draft, *, moment: datetime | None = None, segments: Gates | None = None) -> Foreseen:
    """Count what saving the draft would do at once. Writes nothing. Raises ValidationFailed, TierInUse. `segments` as in `reassess`."""
    draft = checked(draft)
    _refuse_lost_tiers(draft)
    moment = moment or clock.now()
    ids = dict(Tier.objects.values_list("key", "pk"))
    rungs = [
        Rung(
            rank=rank,
            threshold=tier.threshold,
            id=ids.get(tier.key),
            gate=tier.segment_key,
            is_for_life=tier.is_for_life,
        )
        for rank, tier in enumerate(draft.tiers)
    ]
    course = tiers.course_of(_ladder_of(draft, Ladder()), rungs, moment=moment, known_gates=segments or {})
    rise = fall = 0
    after: dict[int, int] = {}
    for before, rank, members in tiers.foresee(course, segments=segments):
        rise += members if rank > before else 0
        fall += members if rank < before else 0
        after[rank] = after.get(rank, 0) + members
    return Foreseen(rise=rise, fall=fall, after=after)


class LadderMovedOn(DomainError):
    code = "ladder_moved_on"
    title = _("The tiers were changed since. Ask anew.")


@transaction.atomic
def save(draft: Draft, *, by: User, reason: str = "") -> int | None:
    """Make the draft the ladder; None: whoever calls lets `tiers.reassess(cause="rules")` follow. Raises as `foresee`.

    What may move members takes two people: then nothing is written and the approval's id is returned; agreeing does both.
    Names and days of warning take one. So does everything for the roles in the brand setting `points.ladder_alone`, which
    is empty unless a brand with one person in charge fills it.
    """
    audit.sign()
    draft = checked(draft)
    _refuse_lost_tiers(draft)
    now = current()
    if now is None or _rules(draft) == _rules(now) or _may_alone(by):
        _write(draft)
        return None
    params = {"before": _plain(now), "wanted": _plain(draft)}
    return approvals.ask_once(kind=LADDER, params=params, user_id=by.pk, reason=reason).pk


def _write(draft: Draft) -> None:
    ladder = Ladder.objects.select_for_update().order_by("pk").first() or Ladder()
    _ladder_of(draft, ladder).save()
    kept = [tier.key for tier in draft.tiers]
    Tier.objects.filter(ladder=ladder).exclude(key__in=kept).delete()
    for tier in Tier.objects.filter(ladder=ladder):  # ranks are unique: first out of the way
        Tier.objects.filter(pk=tier.pk).update(rank=tier.rank + 1000)
    for rank, wanted in enumerate(draft.tiers):
        fields = {
            "ladder": ladder, "rank": rank, "name": wanted.name, "name_en": wanted.name_en, "threshold": wanted.threshold,
            "segment_key": wanted.segment_key, "is_for_life": wanted.is_for_life,
        }  # fmt: skip
        Tier.objects.update_or_create(key=wanted.key, defaults=fields)


@transaction.atomic
def install_defaults() -> bool:
    """The ladder a shop begins with, and its benefits. One that exists is left alone: False."""
    if Ladder.objects.exists():
        return False
    _write(Draft(**ladder_defaults.LADDER, tiers=tuple(TierDraft(**tier) for tier in ladder_defaults.TIERS)))
    found = {tier.key: tier for tier in Tier.objects.all()}
    for key, given in ladder_defaults.BENEFITS.items():
        for position, benefit in enumerate(given):
            Benefit.objects.create(tier=found[key], position=position, **benefit)
    return True


@transaction.atomic
def set_benefits(*, tier_key: str, benefits: Sequence[dict[str, Any]], by: User) -> int | None:
    """Replace what a tier gives: `kind`, `title`, `title_en`, `value`, in this order. Other values take two people, as in `save`.

    Raises TierUnknown, ValidationFailed.
    """
    audit.sign()
    tier = Tier.objects.select_for_update().filter(key=tier_key).first()
    if tier is None:
        raise TierUnknown(key=tier_key)
    wanted = [{name: given[name] for name in ("kind", "title", "title_en", "value")} for given in benefits]
    _check_benefits(wanted)
    now = _benefits(tier)
    if _worth(wanted) == _worth(now) or _may_alone(by):
        _write_benefits(tier, wanted)
        return None
    params = {"tier": tier_key, "before": now, "wanted": wanted}
    return approvals.ask_once(kind=BENEFITS, params=params, user_id=by.pk).pk


def waiting(kind: str, **params: Any) -> Approval | None:
    """The newest open question of this kind."""
    known = {f"params__{name}": value for name, value in params.items()}
    return Approval.objects.filter(kind=kind, state=Approval.State.WAITING, **known).order_by("-pk").first()


def draft_of(said: dict[str, Any]) -> Draft:
    """A draft as a question keeps it."""
    return Draft(**said | {"tiers": tuple(TierDraft(**tier) for tier in said["tiers"])})


def _check_benefits(benefits: Sequence[dict[str, Any]]) -> None:
    for given in benefits:
        if given["kind"] not in Benefit.Kind.values or not given["title"].strip() or not given["title_en"].strip():
            raise ValidationFailed(
                errors=[{"pointer": "/benefits", "code": "invalid", "message": str(_TEXTS["name_of_benefit"])}]
            )


def _benefits(tier: Tier) -> list[dict[str, Any]]:
    rows = Benefit.objects.filter(tier=tier).order_by("position").values_list("kind", "title", "title_en", "value")
    return [dict(zip(("kind", "title", "title_en", "value"), row, strict=True)) for row in rows]


def _write_benefits(tier: Tier, benefits: Sequence[dict[str, Any]]) -> None:
    Benefit.objects.filter(tier=tier).delete()
    for position, given in enumerate(benefits):
        Benefit.objects.create(tier=tier, position=position, **given)


def assess_all(*, user_id: int | None) -> Job:
    """Start the job in which everybody is assessed by the present ladder (`flows/tier_moves.py`)."""
    return jobs.start_alone(kind=KIND, params={}, user_id=user_id)


def _ladder_of(draft: Draft, ladder: Ladder) -> Ladder:
    ladder.basis, ladder.downgrade = draft.basis, draft.downgrade
    ladder.currency = None if draft.basis == Ladder.Basis.SPEND else Currency.objects.get(key=draft.currency)
    ladder.window, ladder.validity = draft.window, draft.validity
    ladder.grace_days, ladder.warn_days = draft.grace_days, draft.warn_days
    ladder.starts_next_period = draft.starts_next_period
    return ladder


def _refuse_lost_tiers(draft: Draft) -> None:
    """A tier that anybody stands on, or once did, stays: history names it."""
    for tier in Tier.objects.exclude(key__in=[tier.key for tier in draft.tiers]):
        standing = Standing.objects.filter(tier=tier).count()
        if (
            standing
            or TierChange.objects.filter(after=tier).exists()
            or TierChange.objects.filter(before=tier).exists()
        ):
            raise TierInUse(members=standing, key=tier.key)


def _check_window(draft: Draft, errors: dict[str, str]) -> None:
    kind = draft.window.get("kind")
    if kind == "rolling" and not _is_number(draft.window.get("months"), 1, MOST_MONTHS):
        errors["window"] = str(_TEXTS["months"])
    elif kind == "calendar" and not _is_day(draft.window.get("starts")):
        errors["window"] = str(_TEXTS["day"])
    elif kind not in {"rolling", "calendar", "life"}:
        errors["window"] = str(_TEXTS["unknown"])


def _check_validity(draft: Draft, errors: dict[str, str]) -> None:
    kind = draft.validity.get("kind")
    if kind == "months" and not _is_number(draft.validity.get("months"), 1, MOST_MONTHS):
        errors["validity"] = str(_TEXTS["months"])
    elif kind == "calendar" and not _is_day(draft.validity.get("date")):
        errors["validity"] = str(_TEXTS["day"])
    elif kind in {"calendar", "joined"} and not _is_number(draft.validity.get("years", 0), 0, 10):
        errors["validity"] = str(_TEXTS["years"])
    elif kind not in {"none", "months", "calendar", "joined"}:
        errors["validity"] = str(_TEXTS["unknown"])


def _fault_of_tiers(found: Sequence[TierDraft]) -> str:
    if not 2 <= len(found) <= MOST_TIERS:
        return "many"
    keys = [tier.key for tier in found]
    if len(set(keys)) < len(keys) or not all(re.fullmatch(r"[a-z0-9-]{1,20}", key) for key in keys):
        return "key"
    if not all(tier.name.strip() and tier.name_en.strip() for tier in found):
        return "name"
    if found[0].threshold or found[0].segment_key or found[0].is_for_life:
        return "base"
    rises = all(low.threshold < high.threshold for low, high in pairwise(found))
    return "" if rises else "rising"


def _is_number(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_day(value: object) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(f"2028-{value}")
    except ValueError:
        return False
    return True


def _plain(draft: Draft) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(asdict(draft)))
    return said


def _rules(draft: Draft) -> Draft:
    """What of a draft may move members."""
    return replace(draft, warn_days=0, tiers=tuple(replace(tier, name="", name_en="") for tier in draft.tiers))


def _worth(benefits: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """What of benefits costs something, in whatever order."""
    return sorted((given["kind"], json.dumps(given["value"], sort_keys=True)) for given in benefits)


def _may_alone(user: User) -> bool:
    card = Staff.objects.filter(user=user, is_active=True).first()
    return card is not None and card.role in brand.read(SETTING)


def _run_ladder(asked: Approval) -> None:
    """What a second person's agreement does: the ladder that was shown counts, and everybody is assessed by it."""
    approvals.require_open(asked)
    audit.sign()
    list(Ladder.objects.select_for_update())
    now = current()
    if now is None or _plain(now) != asked.params["before"]:
        raise LadderMovedOn
    draft = checked(draft_of(asked.params["wanted"]))
    _refuse_lost_tiers(draft)
    _write(draft)
    assess_all(user_id=asked.decided_by_id)


def _run_benefits(asked: Approval) -> None:
    approvals.require_open(asked)
    audit.sign()
    tier = Tier.objects.select_for_update().filter(key=asked.params["tier"]).first()
    if tier is None or _benefits(tier) != asked.params["before"]:
        raise LadderMovedOn
    _write_benefits(tier, asked.params["wanted"])


def _check_roles(value: Any) -> None:
    if not isinstance(value, list) or not set(value) <= set(Role.values):
        raise ValueError("a list of roles is expected")


brand.declare(SETTING, default=[], check=_check_roles)
approvals.register(LADDER, run=_run_ladder, permission="points.tiers", title=_("Rules of the tiers"))
approvals.register(BENEFITS, run=_run_benefits, permission="points.tiers", title=_("Benefits of a tier"))
