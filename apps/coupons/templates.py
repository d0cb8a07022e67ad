"""Templates as staff keep them: drafted, published as a frozen version, stopped within the statement, stocked."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.coupons import ceilings, costs, gate
from apps.coupons import terms as grammar
from apps.coupons.models import Stock, Template, Version

OPEN_FIELDS = (
    "name", "name_en", "per_member", "opens_at", "closes_at", "is_in_centre", "is_flash", "is_pool", "is_giftable",
)  # fmt: skip


class StockBelowIssued(DomainError):
    code = "coupon_stock_below_issued"
    title = _("%(issued)s are out already: the stock cannot be less.")


class NeverPublished(DomainError):
    code = "coupon_never_published"
    title = _("This coupon was never published.")


@transaction.atomic
def create(*, key: str, name: str, draft: Any = None, most: int | None = None, **fields: Any) -> Template:
    """A new template that issues nothing until it is published. `most`: the stock, None without end; `fields`: OPEN_FIELDS."""
    audit.sign()
    made = Template(key=key, name=name, draft=draft, **_known(fields))
    made.full_clean(exclude=["draft", "version"])
    made.save()
    Stock.objects.create(template=made, most=most)
    return made


@transaction.atomic
def save(*, template_id: int, draft: Any = None, **fields: Any) -> Template:
    """Keep a draft, whole or not; the published version goes on. `fields` (OPEN_FIELDS) count at once."""
    audit.sign()
    row = locked(template_id)
    row.draft = None if row.version is not None and row.version.terms == draft else draft
    for name, value in _known(fields).items():
        setattr(row, name, value)
    row.full_clean(exclude=["draft", "version"])
    row.save()
    transaction.on_commit(partial(gate.forget, template_id), robust=True)
    return row


@transaction.atomic
def freeze(
    *, template_id: int, by: User | None = None, agreed_by: User | None = None, terms: Any = None, allowed: int = 0
) -> Version:
    """Publish the draft (or `terms`; another draft stays) as the next version: coupons issued from now on follow it, those that are out
    keep theirs. Unchanged terms add none. Raises ValidationFailed, NotFound.

    `publishing` is the door for people: where `by` is named, a version over `allowed` 分 of worst case needs `agreed_by` (a CHECK).
    """
    audit.sign()
    row = locked(template_id)
    said = terms or (row.draft if row.draft is not None else row.version and row.version.terms)
    text = grammar.checked(said)
    if row.version is None or row.version.terms != text:
        last = Version.objects.filter(template=row).aggregate(last=Max("number"))["last"] or 0
        worst = costs.worst(
            text, most=Stock.objects.get(template=row).most, ceilings={(a, b): c for a, b, c in ceilings.listed(row.pk)}
        )
        row.version = Version.objects.create(
            template=row,
            number=last + 1,
            terms=text,
            published_by=by,
            agreed_by=agreed_by,
            published_at=clock.now(),
            worst_cents=worst,
            allowed_cents=allowed,
        )
    row.draft = None if terms is None or row.draft == text else row.draft
    row.state = Template.State.RUNNING
    row.save()
    return row.version


@transaction.atomic
def stop(*, template_id: int) -> Template:
    """Nothing is issued or redeemed any more from the commit on; what is reserved may still be confirmed."""
    return _switch(template_id, Template.State.STOPPED)


@transaction.atomic
def resume(*, template_id: int) -> Template:
    """Raises NeverPublished."""
    return _switch(template_id, Template.State.RUNNING)


@transaction.atomic
def set_stock(*, template_id: int, most: int | None, low_at: int | None = None, reason: str = "") -> Stock:
    """Of people's wishes `publishing` decides first. Raises StockBelowIssued, NotFound."""
    row = Stock.objects.select_for_update().filter(template_id=template_id).first()
    if row is None:
        raise NotFound
    if most is not None and most < row.issued:
        raise StockBelowIssued(issued=row.issued)
    was = {"most": row.most, "low_at": row.low_at}
    row.most, row.low_at = most, low_at
    row.save(update_fields=["most", "low_at"])
    after = {"most": most, "low_at": low_at, "was": was} | ({"reason": reason} if reason else {})
    audit.record("coupon.stock", object_type="coupon_template", object_id=template_id, after=after)
    transaction.on_commit(partial(gate.forget, template_id), robust=True)
    return row


def locked(template_id: int) -> Template:
    """Raises NotFound."""
    found = Template.objects.select_for_update(of=("self",)).select_related("version").filter(pk=template_id).first()
    if found is None:
        raise NotFound
    return found


def left(row: Stock) -> int | None:
    """None: no end of it."""
    return None if row.most is None else row.most - row.issued


def _switch(template_id: int, state: str) -> Template:
    audit.sign()
    row = locked(template_id)
    if row.version is None:
        raise NeverPublished
    row.state = state
    row.save(update_fields=["state"])
    return row


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    if unknown := fields.keys() - set(OPEN_FIELDS):
        raise TypeError(f"a template has no {sorted(unknown)}")
    return fields
