"""What a till may take in: bounds of amounts and times, and caps per person. One brand setting, `counter.rules`.

`hours_back`: how old a sale may be that a till kept while its network was away. `receipts_by`: who numbers the receipts, each "till" or
the whole "store". `receipt_has_store`: a receipt begins with the code of its store. Caps count what was not undone: `orders`,
`redemptions` and `points` (granted) of one clerk in a shop day, at whatever till and in however many shifts, `per_member` purchases of
one member with them. `roles`: caps of a role where they are other than these.

What is stricter counts at once. Whatever lets a till take in more than before waits for a second person.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import approvals, audit, brand
from apps.core.errors import DomainError, ValidationFailed
from apps.core.models import Approval, AuditEntry, BrandSetting, User
from apps.stores import limits

SETTING = KIND = "counter.rules"
MOST = 10**9
CAPS = ("orders", "redemptions", "points", "per_member")
BOUNDS = {
    "least_cents": (1, MOST), "most_cents": (1, MOST), "hours_back": (0, 24), "orders": (0, MOST), "redemptions": (0, MOST),
    "points": (0, MOST), "per_member": (0, MOST),
}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    least_cents: int = 1
    most_cents: int = 5_000_000
    hours_back: int = 2
    orders: int = 300
    redemptions: int = 100
    points: int = 200_000
    per_member: int = 6
    receipts_by: str = "till"
    receipt_has_store: bool = False
    roles: dict[str, dict[str, int]] = field(default_factory=dict)

    def of_role(self, role: str) -> "Rules":
        """With the caps of this role."""
        caps: dict[str, Any] = dict(self.roles.get(role, {}))
        return replace(self, **caps)


def read() -> Rules:
    return Rules(**asdict(Rules()) | brand.read(SETTING))


class RulesMovedOn(DomainError):
    code = "counter_rules_moved_on"
    title = gettext_lazy("These rules were changed since. Ask anew.")


@transaction.atomic
def save(wanted: Rules, *, by: User) -> int | None:
    """Count from the next sale on; None. Where anything is looser than before all of it waits for a second person: nothing is written
    then, and the approval's id is returned. The audit trail keeps what was before. Raises ValidationFailed.
    """
    audit.sign()
    _check(wanted)
    before = _locked()
    if not is_looser(wanted, before):
        brand.write(SETTING, _kept(wanted))
        return None
    params = {"wanted": asdict(wanted), "before": asdict(before)}
    return approvals.ask_once(kind=KIND, params=params, user_id=by.pk).pk


def is_looser(wanted: Rules, before: Rules) -> bool:
    """Whether somebody at a till may do anything that they could not do before."""
    if wanted.least_cents < before.least_cents or (before.receipt_has_store and not wanted.receipt_has_store):
        return True
    if before.receipts_by == "store" != wanted.receipts_by:
        return True  # a number may come back at the next till
    pairs = [(getattr(wanted, name), getattr(before, name)) for name in ("most_cents", "hours_back")]
    for role in ("", *wanted.roles, *before.roles):
        new, old = wanted.of_role(role), before.of_role(role)
        pairs += [(getattr(new, name), getattr(old, name)) for name in CAPS]
    return any(new > old for new, old in pairs)


def _check(wanted: Rules) -> None:
    if wanted.least_cents > wanted.most_cents:
        message = _("The least amount can't be above the greatest.")
        raise ValidationFailed(errors=[{"pointer": "/least_cents", "code": "order", "message": message}])
    try:
        check(_kept(wanted))
    except ValueError as problem:
        raise ValidationFailed(errors=[{"pointer": "", "code": "invalid", "message": str(problem)}]) from None


def _kept(wanted: Rules) -> dict[str, Any]:
    """Only what is other than the defaults is written."""
    usual = asdict(Rules())
    return {name: value for name, value in asdict(wanted).items() if value != usual[name]}


def _locked() -> Rules:
    """As they stand; nobody else changes them until the end of the transaction. Nobody may have written them yet, so there is no row
    to lock."""
    limits.take_turn(SETTING, staff_id=0)
    return read()


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    audit.sign()
    if asdict(_locked()) != asked.params["before"]:
        raise RulesMovedOn
    brand.write(SETTING, _kept(Rules(**asked.params["wanted"])))


def history(*, at_most: int) -> list[tuple[AuditEntry, Rules, Rules]]:
    """The newest changes with the rules before and after each, newest first."""
    key = BrandSetting.objects.filter(key=SETTING).values_list("pk", flat=True).first()
    lines = AuditEntry.objects.filter(object_type="core_brandsetting", object_id=str(key or ""), after__has_key="value")
    return [(line, _told(line.before), _told(line.after)) for line in lines.order_by("-pk")[:at_most]]


def _told(said: dict[str, Any] | None) -> Rules:
    """Names that are none any more are left out."""
    value = (said or {}).get("value") or {}
    return Rules(**{name: one for name, one in value.items() if name in {each.name for each in fields(Rules)}})


def check(value: Any) -> None:
    if not isinstance(value, dict) or not set(value) <= {each.name for each in fields(Rules)}:
        raise ValueError(f"an object is expected, with some of: {', '.join(each.name for each in fields(Rules))}")
    for name, given in value.items():
        if name == "receipts_by":
            if given not in {"till", "store"}:
                raise ValueError("receipts are numbered by till or by store")
        elif name == "receipt_has_store":
            if not isinstance(given, bool):
                raise ValueError("yes or no is expected")
        elif name == "roles":
            limits.check_figures(given, names=CAPS, most=MOST)
        else:
            _check_number(name, given)


def _check_number(name: str, given: Any) -> None:
    least, most = BOUNDS[name]
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise ValueError(f"{name}: a whole number from {least:,} to {most:,} is expected")


brand.declare(SETTING, default={}, check=check)
approvals.register(KIND, run=_run, permission="counter.rules_agree", title=gettext_lazy("Rules of the tills"))
