"""Rules as staff keep them: drafted freely, paused and resumed (published: `publishing`); and tried without a trace."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import models, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Product
from apps.core import audit, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.orders.models import Order
from apps.points import awards, definitions, facts, reckoning
from apps.points.earning import Award, Rule
from apps.points.models import Currency
from apps.points.reckoning import LiveRule, Occasion, Outcome, Piece

_GIVEN = "points.rules.given"
KEPT_SECONDS = 600
NOBODY = 0  # the member of an invented basket without one


class State(models.TextChoices):
    DRAFT = "draft", _("Draft")
    LIVE = "live", _("Live")
    PAUSED = "paused", _("Paused")
    ENDED = "ended", _("Ended")


def state_of(rule: Rule, *, moment: datetime) -> str:
    """What the rule is at `moment`; ended: the time that its version names is over."""
    if rule.current is None:
        return State.DRAFT
    until = rule.current.definition.get("when", {}).get("to")
    if until and clock.end_of(until) <= moment:
        return State.ENDED
    return State.LIVE if rule.is_active else State.PAUSED


class RuleNotPublished(DomainError):
    code = "rule_not_published"
    title = _("This rule has never been published.")


class NothingToTry(DomainError):
    code = "nothing_to_try"
    status = 422
    title = _("Name an order or make one up.")


class BasketLine(NamedTuple):
    """分 paid for a product. `category` counts where the SKU is not known here."""

    sku: str
    cents: int
    category: str = ""


@dataclass(frozen=True)
class Basket:
    """An invented order. `member_id` None: somebody invented, of `tier`, who had nothing yet. `total_cents` None: the sum of the
    lines. `at` None: now."""

    member_id: int | None
    lines: tuple[BasketLine, ...] = ()
    tier: str = ""
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
def save_draft(*, rule_id: int, draft: Any, name: str = "", name_en: str = "") -> Rule:
    """Keep what staff wrote, whole or not; the published version goes on. Names, where said, count at once. A draft that says what
    the published version says is none."""
    audit.sign()
    rule = locked(rule_id)
    is_same = rule.current is not None and rule.current.definition == draft
    rule.draft = None if is_same else draft
    rule.name, rule.name_en = name or rule.name, name_en or rule.name_en
    rule.save(update_fields=["draft", "name", "name_en"])
    return rule


@transaction.atomic
def pause(*, rule_id: int) -> Rule:
    """It gives nothing more; what it gave stays."""
    return _switch(rule_id, is_active=False)


@transaction.atomic
def resume(*, rule_id: int) -> Rule:
    """Raises RuleNotPublished."""
    return _switch(rule_id, is_active=True)


def unfinished() -> list[Rule]:
    """Rules with a draft that could not be published as it stands."""
    return [rule for rule in Rule.objects.exclude(draft=None) if not _is_whole(rule)]


def dry_run(
    *, order_id: int | None = None, basket: Basket | None = None, drafts: bool | Collection[int] = False,
    rule_ids: Sequence[int] = (),
) -> list[Outcome]:  # fmt: skip
    """What each order rule would give now, by line, with reasons; nothing is written. A real order is judged as if it had not been
    rewarded. `drafts`: rules that are being edited by their draft, all or those with these ids. `rule_ids`: these only.

    Raises NothingToTry, NotFound, ValidationFailed.
    """
    chosen = Rule.objects.filter(trigger__in=awards.ORDER_TRIGGERS).select_related("current", "currency")
    rules = [_tried(rule, drafts) for rule in (chosen.filter(pk__in=rule_ids) if rule_ids else chosen)]
    occasion = _real(order_id) if order_id is not None else _invented(basket)
    people = facts.persons([occasion.member_id])
    if basket is not None and basket.member_id is None:
        people = {NOBODY: facts.invented(tier=basket.tier)}
    if occasion.member_id not in people:
        raise NotFound(member_id=occasion.member_id)
    books = awards.books_of([occasion], rules, people)
    return reckoning.reckon(occasion, people[occasion.member_id], rules, books)


@dataclass(frozen=True)
class Given:
    """What a rule gave so far, as of some minutes ago; what refunds took back counts. `times` counts lines of the books."""

    points: int = 0
    times: int = 0


def given() -> tuple[datetime, dict[int, Given]]:
    """When it was counted, and the figures by rule; counted at most every ten minutes, for it reads all that was ever given."""
    found: tuple[datetime, dict[int, Given]] | None = cache.get(_GIVEN)
    if found is None:
        rows = Award.objects.order_by().values_list("rule_id")
        counted = rows.annotate(points=Sum("points"), times=Count("entry", distinct=True))
        found = clock.now(), {rule_id: Given(points, times) for rule_id, points, times in counted}
        cache.set(_GIVEN, found, KEPT_SECONDS)
    return found


def awarded(*, order_id: int) -> list[Award]:
    """What the order was given, by rule and line."""
    return list(
        Award.objects.filter(order_id=order_id).select_related("rule", "version", "line", "entry").order_by("pk")
    )


def names(*, is_english: bool) -> dict[int, str]:
    """Every rule's name in one language."""
    return {rule.pk: rule.name_en if is_english else rule.name for rule in Rule.objects.all()}


def _is_whole(rule: Rule) -> bool:
    try:
        definitions.checked(rule.draft, trigger=rule.trigger)
    except ValidationFailed:
        return False
    return True


def _tried(rule: Rule, drafts: bool | Collection[int]) -> LiveRule:
    is_tried = drafts if isinstance(drafts, bool) else rule.pk in drafts
    if is_tried and rule.draft is not None:
        return facts.as_live(rule, definition=definitions.checked(rule.draft, trigger=rule.trigger))
    return facts.as_live(rule)


def _real(order_id: int) -> Occasion:
    if not Order.objects.filter(pk=order_id).exists():
        raise NotFound(order_id=order_id)
    return facts.of_orders([order_id], asks_first=True)[0]


def _invented(basket: Basket | None) -> Occasion:
    if basket is None:
        raise NothingToTry
    skus = [line.sku for line in basket.lines]
    categories = dict(Product.objects.filter(sku__in=skus).values_list("sku", "category__name"))
    lines = [
        Piece(cents=line.cents, line_no=number, sku=line.sku, category=categories.get(line.sku) or line.category)
        for number, line in enumerate(basket.lines, start=1)
    ]
    total = sum(line.cents for line in lines) if basket.total_cents is None else basket.total_cents
    return Occasion(
        trigger="order",
        member_id=NOBODY if basket.member_id is None else basket.member_id,
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
    rule = locked(rule_id)
    if is_active and rule.current_id is None:
        raise RuleNotPublished
    if rule.is_active != is_active:
        rule.is_active = is_active
        rule.save(update_fields=["is_active"])
        audit.record(
            "points.rule_resumed" if is_active else "points.rule_paused", object_type="rule", object_id=rule.pk
        )
    return rule


def locked(rule_id: int) -> Rule:
    """The rule, which nobody else changes until the transaction ends. Raises NotFound."""
    rule = Rule.objects.select_for_update(of=("self",)).select_related("current", "currency").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(rule_id=rule_id)
    return rule
