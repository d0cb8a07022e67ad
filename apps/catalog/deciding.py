"""Prices that cost the brand much take two: whoever asks may go so many hundredths below the list price alone, by role (a brand
setting); what goes deeper waits for a second person. A list price that falls counts as well, against the one before it.

The depth of a bundle is the greatest that any choice of its goods can bring. Programs of the brand are not asked: their key was given
for it. What is agreed to is what was shown: list prices that changed since make the question void.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.catalog import prices, selectors
from apps.catalog.errors import PriceMovedOn
from apps.catalog.models import Bundle
from apps.catalog.prices import BundleWish, Terms, Who, Wish
from apps.core import approvals, clock
from apps.core.models import Approval, User
from apps.stores import limits as limits_by_role
from apps.stores.models import Role

KIND = "catalog.prices"
SETTING = "catalog.price_limits"
LIMITS: dict[str, int] = {Role.ADMIN: 60, Role.MARKETER: 30}


@dataclass(frozen=True)
class Outcome:
    """Either they count (`made` are new), or all of them wait for a second person (`approval_id`)."""

    made: int = 0
    approval_id: int | None = None


def limit(user: User) -> int:
    """Hundredths below the list price that this person may go alone; 0 without a staff card."""
    return limits_by_role.alone(SETTING, by=user)


def depth(wish: Wish, lists: Mapping[str, int]) -> int:
    """Hundredths below the list price that counts, rounded up; 0 where there is none yet."""
    return _below(wish.cents, lists.get(wish.sku, 0))


def bundle_depth(wish: BundleWish, lists: Mapping[str, int]) -> int:
    known = [lists.get(sku, 0) for sku, _n in wish.items]
    if wish.kind == Bundle.Kind.NTH:
        return -(-(100 - (wish.percent or 0)) // (wish.count or 1))
    if wish.kind == Bundle.Kind.SET:
        return _below(wish.cents or 0, sum(lists.get(sku, 0) * n for sku, n in wish.items))
    return _below(wish.cents or 0, max(known, default=0) * (wish.count or 0))


def put(wishes: Sequence[Wish], *, by: User, source: str, reason: str = "", takes_over: bool = False) -> Outcome:
    """All or none. Raises as `prices.put`, also for what would wait."""
    moment = clock.now()
    lists = selectors.list_cents([one.sku for one in wishes], moment=moment)
    deepest = max((depth(one, lists) for one in wishes), default=0)
    if deepest <= limit(by):
        return Outcome(_put(wishes, Who(by, None, source), takes_over, moment))
    with transaction.atomic():
        _put(wishes, Who(by, None, source), takes_over, moment)  # what it would refuse later is refused now
        transaction.set_rollback(True)
    params = {"wishes": [_as_json(one) for one in wishes], "takes_over": takes_over, "source": source}
    return Outcome(approval_id=_ask(params, lists, by=by, reason=reason))


def put_bundle(wish: BundleWish, *, by: User, source: str, reason: str = "") -> Outcome:
    """Raises as `prices.bundle`."""
    moment = clock.now()
    lists = selectors.list_cents([sku for sku, _n in wish.items], moment=moment)
    if bundle_depth(wish, lists) <= limit(by):
        prices.bundle(wish, who=Who(by, None, source), moment=moment)
        return Outcome(1)
    with transaction.atomic():
        prices.bundle(wish, who=Who(by, None, source), moment=moment)
        transaction.set_rollback(True)
    return Outcome(approval_id=_ask({"bundle": _as_json(wish), "source": source}, lists, by=by, reason=reason))


def waiting() -> int:
    return Approval.objects.filter(kind=KIND, state=Approval.State.WAITING).count()


def wishes_of(asked: Approval) -> list[Wish]:
    return [Wish(**(one | {"terms": _terms(one["terms"])})) for one in asked.params.get("wishes", ())]


def bundle_of(asked: Approval) -> BundleWish | None:
    said = asked.params.get("bundle")
    if said is None:
        return None
    items = tuple((sku, n) for sku, n in said["items"])
    return BundleWish(**(said | {"items": items, "terms": _terms(said["terms"])}))


def _put(wishes: Iterable[Wish], who: Who, takes_over: bool, moment: datetime) -> int:
    return prices.put_all(list(wishes), who=who, moment=moment, takes_over=takes_over)


def _ask(params: dict[str, Any], lists: Mapping[str, int], *, by: User, reason: str) -> int:
    asked = approvals.ask_once(kind=KIND, params=params | {"lists": dict(lists)}, user_id=by.pk, reason=reason)
    return int(asked.pk)


def _below(cents: int, listed: int) -> int:
    return max(-(-(listed - cents) * 100 // listed), 0) if listed else 0


def _as_json(wish: Wish | BundleWish) -> dict[str, Any]:
    said = asdict(wish)
    for name in ("starts_at", "ends_at"):
        moment = said["terms"][name]
        said["terms"][name] = moment.isoformat() if moment else None
    return said


def _terms(said: dict[str, Any]) -> Terms:
    read = {name: said[name] and datetime.fromisoformat(said[name]) for name in ("starts_at", "ends_at")}
    pairs = tuple((a, b) for a, b in said["hours"])
    return Terms(**(said | read | {"weekdays": tuple(said["weekdays"]), "hours": pairs}))


def _run(asked: Approval) -> None:
    """What a second person's agreement does. What should have begun meanwhile begins now."""
    approvals.require_open(asked)
    moment = clock.now()
    lists = asked.params["lists"]
    if selectors.list_cents(lists, moment=moment) != lists:
        raise PriceMovedOn
    who = Who(asked.asked_by, asked.decided_by, asked.params["source"])
    bundle = bundle_of(asked)
    if bundle is not None:
        prices.bundle(prices.begun(bundle, moment), who=who, moment=moment)
        return
    wishes = [prices.begun(one, moment) for one in wishes_of(asked)]
    _put(wishes, who, asked.params["takes_over"], moment)


limits_by_role.declare(SETTING, default=LIMITS, most=100)
approvals.register(KIND, run=_run, permission="prices.agree", title=_("Prices"))
