"""Rules as staff keep them: drafted freely, checked and frozen on publishing, paused and resumed; and tried without a trace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Product
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound
from apps.core.models import User
from apps.orders.models import Order
from apps.points import awards, definitions, facts, reckoning
from apps.points.earning import Award, Rule, RuleVersion
from apps.points.models import Currency
from apps.points.reckoning import LiveRule, Occasion, Outcome, Piece


class RuleNotPublished(DomainError):
    code = "rule_not_published"
    title = _("This rule has never been published.")


class NothingToTry(DomainError):
    code = "nothing_to_try"
    status = 422
    title = _("Name an order or make one up.")


@dataclass(frozen=True)
class Basket:
    """An invented order. `lines` are (SKU, 分 paid); `total_cents` None: their sum. `at` None: now."""

    member_id: int
    lines: tuple[tuple[str, int], ...] = ()
    total_cents: int | None = None
    store: str = ""
    channel: str = ""
    is_first: bool = False
    at: datetime | None = None


@transaction.atomic
def create(*, key: str, name: str, name_en: str, currency: str, trigger: str, draft: Any = None) -> Rule:
    """A new rule that gives nothing until it is published; the draft may be incomplete until then."""
    audit.sign()
    owner = Currency.objects.get(key=currency)
    return Rule.objects.create(key=key, name=name, name_en=name_en, currency=owner, trigger=trigger, draft=draft)


@transaction.atomic
def save_draft(*, rule_id: int, draft: Any) -> Rule:
    """Keep what staff wrote, whole or not; the published version goes on."""
    audit.sign()
    rule = _locked(rule_id)
    rule.draft = draft
    rule.save(update_fields=["draft"])
    return rule


@transaction.atomic
def publish(*, rule_id: int, by: User | None = None) -> RuleVersion:
    """Freeze the draft as the next version, which counts from now on. An unchanged one adds no version. Raises ValidationFailed."""
    audit.sign()
    rule = _locked(rule_id)
    version = rule.current
    text = rule.draft if rule.draft is not None or version is None else version.definition
    definition = definitions.checked(text, trigger=rule.trigger)
    if version is None or version.definition != definition:
        number = version.number + 1 if version else 1
        version = RuleVersion.objects.create(rule=rule, number=number, definition=definition, at=clock.now(), by=by)
    rule.current, rule.draft, rule.is_active = version, None, True
    rule.save(update_fields=["current", "draft", "is_active"])
    return version


@transaction.atomic
def pause(*, rule_id: int) -> Rule:
    """It gives nothing more; what it gave stays."""
    return _switch(rule_id, is_active=False)


@transaction.atomic
def resume(*, rule_id: int) -> Rule:
    """Raises RuleNotPublished."""
    return _switch(rule_id, is_active=True)


def dry_run(
    *, order_id: int | None = None, basket: Basket | None = None, drafts: bool = False, rule_ids: Sequence[int] = ()
) -> list[Outcome]:
    """What each order rule would give now, by line, with reasons; nothing is written. A real order is judged as if it had not been
    rewarded. `drafts`: rules that are being edited by their draft. `rule_ids`: these only.

    Raises NothingToTry, NotFound, ValidationFailed.
    """
    chosen = Rule.objects.filter(trigger__in=awards.ORDER_TRIGGERS).select_related("current", "currency")
    rules = [_tried(rule, drafts) for rule in (chosen.filter(pk__in=rule_ids) if rule_ids else chosen)]
    occasion = _real(order_id) if order_id is not None else _invented(basket)
    people = facts.persons([occasion.member_id])
    if occasion.member_id not in people:
        raise NotFound(member_id=occasion.member_id)
    books = awards.books_of([occasion], rules, people)
    return reckoning.reckon(occasion, people[occasion.member_id], rules, books)


def awarded(*, order_id: int) -> list[Award]:
    """What the order was given, by rule and line."""
    return list(
        Award.objects.filter(order_id=order_id).select_related("rule", "version", "line", "entry").order_by("pk")
    )


def names(*, is_english: bool) -> dict[int, str]:
    """Every rule's name in one language."""
    return {rule.pk: rule.name_en if is_english else rule.name for rule in Rule.objects.all()}


def _tried(rule: Rule, drafts: bool) -> LiveRule:
    if drafts and rule.draft is not None:
        return facts.as_live(rule, definition=definitions.checked(rule.draft, trigger=rule.trigger))
    return facts.as_live(rule)


def _real(order_id: int) -> Occasion:
    if not Order.objects.filter(pk=order_id).exists():
        raise NotFound(order_id=order_id)
    return facts.of_orders([order_id], asks_first=True)[0]


def _invented(basket: Basket | None) -> Occasion:
    if basket is None:
        raise NothingToTry
    skus = [sku for sku, _cents in basket.lines]
    categories = dict(Product.objects.filter(sku__in=skus).values_list("sku", "category__name"))
    lines = [
        Piece(cents=cents, line_no=number, sku=sku, category=categories.get(sku) or "")
        for number, (sku, cents) in enumerate(basket.lines, start=1)
    ]
    total = sum(line.cents for line in lines) if basket.total_cents is None else basket.total_cents
    return Occasion(
        trigger="order",
        member_id=basket.member_id,
        key="invented",
        at=basket.at or clock.now(),
        pieces=reckoning.pieces(total, lines),
        total_cents=total,
        store=basket.store,
        channel=basket.channel,
        is_first=basket.is_first,
    )


def _switch(rule_id: int, *, is_active: bool) -> Rule:
    audit.sign()
    rule = _locked(rule_id)
    if is_active and rule.current_id is None:
        raise RuleNotPublished
    rule.is_active = is_active
    rule.save(update_fields=["is_active"])
    return rule


def _locked(rule_id: int) -> Rule:
    rule = Rule.objects.select_for_update(of=("self",)).select_related("current", "currency").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(rule_id=rule_id)
    return rule
