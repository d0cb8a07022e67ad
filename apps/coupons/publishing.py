"""What makes a template dearer takes two: terms, stock and budgets are put in force at once, or wait for a second person where the
worst case costs more than whoever asks may cause alone (a brand setting by role, in 分). No bound counts as over every limit.

Stock and budgets of a running template ask only where they raise the worst case; of one that was never published they are free, because
publishing reckons with them. Versions keep the figures they were published with, and a CHECK keeps those over the limit to two names.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, audit
from apps.core.errors import DomainError
from apps.core.models import Approval, User
from apps.coupons import ceilings, costs, templates
from apps.coupons import terms as grammar
from apps.coupons.models import Stock, Template, Version
from apps.stores import limits as limits_by_role
from apps.stores.models import Role

KIND = "coupons.template"
SETTING = "coupons.publish_limits"
LIMITS: dict[str, int] = {Role.ADMIN: 10_000_000, Role.MARKETER: 2_000_000}


class TemplateMovedOn(DomainError):
    code = "coupon_template_moved_on"
    title = _("It was published or stopped since. Ask anew.")


@dataclass(frozen=True)
class Wish:
    """A template as it shall be. `budgets`: rows of per, of, most."""

    terms: dict[str, Any]
    most: int | None
    low_at: int | None = None
    budgets: list[list[Any]] = field(default_factory=list)

    @property
    def ceilings(self) -> dict[tuple[str, str], int]:
        return {(per, of): most for per, of, most in self.budgets}

    @property
    def worst(self) -> int | None:
        return costs.worst(self.terms, most=self.most, ceilings=self.ceilings)


@dataclass(frozen=True)
class Outcome:
    """Either it counts, or it waits for a second person (`approval_id`)."""

    version: Version | None = None
    approval_id: int | None = None


def limit(user: User) -> int:
    """分 of worst case that this person may cause alone; 0 without a staff card."""
    return limits_by_role.alone(SETTING, by=user)


def in_force(row: Template) -> Wish | None:
    """What counts now; None before the first version."""
    if row.version is None:
        return None
    stock = Stock.objects.get(template=row)
    return Wish(row.version.terms, stock.most, stock.low_at, ceilings.listed(row.pk))


def needs_another(wish: Wish, *, now: Wish | None, by: User) -> bool:
    """`now` as `in_force`. Raises nothing; `wish.terms` are checked ones."""
    worst = wish.worst
    if worst is not None and worst <= limit(by):
        return False
    return now is None or now.terms != wish.terms or _is_dearer(wish, now)


@transaction.atomic
def publish(*, template_id: int, by: User, reason: str = "") -> Outcome:
    """The draft, with the stock and budgets that stand. Raises ValidationFailed, NotFound."""
    row = _locked(template_id)
    said = row.draft if row.draft is not None else row.version and row.version.terms
    stock = Stock.objects.get(template=row)
    wish = Wish(grammar.checked(said), stock.most, stock.low_at, ceilings.listed(row.pk))
    return _put(row, wish, by=by, reason=reason, is_new=True)


@transaction.atomic
def set_stock(*, template_id: int, most: int | None, low_at: int | None, by: User, reason: str) -> Outcome:
    """Raises StockBelowIssued, NotFound."""
    row = _locked(template_id)
    now = in_force(row)
    if now is None:
        templates.set_stock(template_id=row.pk, most=most, low_at=low_at, reason=reason)
        return Outcome()
    return _put(row, Wish(now.terms, most, low_at, now.budgets), by=by, reason=reason)


@transaction.atomic
def set_budgets(*, template_id: int, wanted: dict[tuple[str, str], int], by: User, reason: str = "") -> Outcome:
    """All budgets as they shall be, by (per, of); what is used up of those that stay is kept."""
    row = _locked(template_id)
    now = in_force(row)
    if now is None:
        ceilings.write(template_id=row.pk, wanted=wanted)
        return Outcome()
    budgets = [[per, of, most] for (per, of), most in sorted(wanted.items())]
    return _put(row, Wish(now.terms, now.most, now.low_at, budgets), by=by, reason=reason)


def waiting(*, template_id: int) -> Approval | None:
    """The question about this template that is open."""
    return _questions(template_id).order_by("-pk").first()


def wish_of(asked: Approval) -> Wish:
    return Wish(**asked.params["wish"])


def _put(row: Template, wish: Wish, *, by: User, reason: str, is_new: bool = False) -> Outcome:
    now = in_force(row)
    if is_new and now is not None and now.terms == wish.terms:
        return Outcome(version=templates.freeze(template_id=row.pk, by=by))
    if not needs_another(wish, now=now, by=by):
        _questions(row.pk).update(state=Approval.State.LAPSED)
        return Outcome(version=_in_force(row, wish, by=by, reason=reason))
    params = {"template_id": row.pk, "version": row.version_id, "state": row.state, "wish": asdict(wish)}
    if not _questions(row.pk).filter(params=params, asked_by=by).exists():
        _questions(row.pk).update(state=Approval.State.LAPSED)
    asked = approvals.ask_once(kind=KIND, params=params, user_id=by.pk, reason=reason)
    return Outcome(approval_id=asked.pk)


def _in_force(row: Template, wish: Wish, *, by: User, agreed_by: User | None = None, reason: str = "") -> Version:
    stock = Stock.objects.get(template=row)
    if (stock.most, stock.low_at) != (wish.most, wish.low_at):
        templates.set_stock(template_id=row.pk, most=wish.most, low_at=wish.low_at, reason=reason)
    if ceilings.listed(row.pk) != [list(one) for one in wish.budgets]:
        ceilings.write(template_id=row.pk, wanted=wish.ceilings)
    if row.version is not None and row.version.terms == wish.terms:
        return row.version
    return templates.freeze(template_id=row.pk, terms=wish.terms, by=by, agreed_by=agreed_by, allowed=limit(by))


def _is_dearer(wish: Wish, now: Wish) -> bool:
    """Of two without a bound, the one with more stock or with a looser budget."""
    if wish.worst is not None or now.worst is not None:
        return now.worst is not None and (wish.worst is None or wish.worst > now.worst)
    if now.most is not None and (wish.most is None or wish.most > now.most):
        return True
    return any(wish.ceilings.get(key, most + 1) > most for key, most in now.ceilings.items())


def _locked(template_id: int) -> Template:
    """Questions before the template, as whoever decides does."""
    audit.sign()
    list(_questions(template_id).select_for_update())
    return templates.locked(template_id)


def _questions(template_id: int) -> Any:
    return Approval.objects.filter(kind=KIND, state=Approval.State.WAITING, params__template_id=template_id)


def _run(asked: Approval) -> None:
    """What a second person's agreement does: what was shown counts, whatever is drafted since."""
    approvals.require_open(asked)
    audit.sign()
    row = templates.locked(asked.params["template_id"])
    if (row.version_id, row.state) != (asked.params["version"], asked.params["state"]):
        raise TemplateMovedOn
    wish = wish_of(asked)
    grammar.checked(wish.terms)
    _in_force(row, wish, by=asked.asked_by, agreed_by=asked.decided_by, reason=asked.reason)


limits_by_role.declare(SETTING, default=LIMITS, most=10**13)
approvals.register(KIND, run=_run, permission="coupons.agree", title=_("Coupon"))
