"""A new brand's first stores and people: several at once, all or none; what stands already adds nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import audit, brand
from apps.core.errors import ValidationFailed
from apps.stores.models import Region, Role, Staff, Store

STEPS = ("stores", "staff", "tiers", "journey")
SETTING = "stores.first_steps"
SKIPPED, SEEN = "skipped", "seen"


@dataclass(frozen=True, kw_only=True)
class NewStore:
    code: str
    name: str
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class NewPerson:
    """A card without a log-in: orders may name it as their guide. `store`: its code."""

    code: str
    name: str
    role: str = Role.CLERK
    store: str = ""


def _check(value: object) -> None:
    if not isinstance(value, dict) or not set(value) <= set(STEPS) or not set(value.values()) <= {SKIPPED, SEEN}:
        raise ValueError("steps with “skipped” or “seen” are expected")


brand.declare(SETTING, default={}, check=_check)


def marks() -> dict[str, str]:
    """Steps that were skipped, or looked at and found right."""
    found: dict[str, str] = brand.read(SETTING)
    return found


@transaction.atomic
def mark(step: str, how: str | None) -> None:
    """`how` None: the step is open again. Raises ValidationFailed for what is no step."""
    kept = {key: value for key, value in marks().items() if key != step}
    brand.change({SETTING: kept if how is None else kept | {step: how}})


@transaction.atomic
def add_stores(rows: Sequence[NewStore]) -> int:
    """How many are new. Regions come with their stores. Raises ValidationFailed with a fault for each row: `pointer` is its place."""
    audit.sign()
    known = dict(Store.objects.values_list("code", "name"))
    faults = [
        _fault(
            number, _("Another store has the code %(code)s: %(name)s.") % {"code": row.code, "name": known[row.code]}
        )
        for number, row in enumerate(rows)
        if known.get(row.code, row.name) != row.name
    ]
    faults += _twice([row.code for row in rows])
    if faults:
        raise ValidationFailed(errors=faults)
    regions = {one.name: one for one in Region.objects.all()}
    for name in {row.region for row in rows if row.region} - regions.keys():
        regions[name] = Region.objects.create(name=name)
    new = [row for row in rows if row.code not in known]
    Store.objects.bulk_create(
        [Store(code=row.code, name=row.name, region=regions[row.region] if row.region else None) for row in new]
    )
    return len(new)


@transaction.atomic
def add_people(rows: Sequence[NewPerson]) -> int:
    """How many are new. Raises ValidationFailed like `add_stores`."""
    audit.sign()
    known = dict(Staff.objects.values_list("code", "name"))
    stores = {store.code: store for store in Store.objects.select_related("region")}
    faults = _twice([row.code for row in rows])
    for number, row in enumerate(rows):
        if known.get(row.code, row.name) != row.name:
            text = _("Somebody else has the staff number %(code)s: %(name)s.")
            faults.append(_fault(number, text % {"code": row.code, "name": known[row.code]}))
        elif row.role not in Role.values:
            faults.append(_fault(number, _("The role is one of %(roles)s.") % {"roles": ", ".join(Role.values)}))
        elif row.store and row.store not in stores:
            faults.append(_fault(number, _("No store has the code %(code)s.") % {"code": row.store}))
        elif row.role in {Role.MANAGER, Role.CLERK} and not row.store:
            faults.append(_fault(number, _("Who works in a store needs its code.")))
    if faults:
        raise ValidationFailed(errors=faults)
    new = [row for row in rows if row.code not in known]
    Staff.objects.bulk_create([_card(row, stores.get(row.store)) for row in new])
    return len(new)


def _card(row: NewPerson, store: Store | None) -> Staff:
    region = store.region if store and row.role == Role.REGION_MANAGER else None
    return Staff(code=row.code, name=row.name, role=row.role, store=store, region=region)


def _twice(codes: Sequence[str]) -> list[dict[str, str]]:
    first: dict[str, int] = {}
    return [
        _fault(number, _("%(code)s stands in this file twice.") % {"code": code})
        for number, code in enumerate(codes)
        if first.setdefault(code, number) != number
    ]


def _fault(number: int, text: str) -> dict[str, str]:
    return {"pointer": str(number), "code": "invalid", "message": text}
