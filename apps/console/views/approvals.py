"""What waits for a second person: before and after in a line each, decided with two taps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.care.campaigns import running
from apps.care.journeys import approving as journeys
from apps.care.models import Journey
from apps.catalog import deciding
from apps.catalog import words as price_words
from apps.console import coupon_words, ladder_words, people, rule_rows, rule_words, tier_card
from apps.console.templatetags.console import figure
from apps.console.views import achievements, points_on_orders
from apps.console.views import counter_rules as till_rules
from apps.core import approvals, ids, money
from apps.core.errors import DomainError, NotFound
from apps.core.models import Approval
from apps.coupons import handing, openings
from apps.coupons import publishing as coupons
from apps.coupons.models import Template
from apps.flows import counter_rules, own_cards, ticket_amends
from apps.members.models import Member
from apps.points import achieving, adjusting, bringing, ladders, publishing, spend_limits
from apps.points import selectors as points
from apps.points.models import Achievement, Rule, Tier
from apps.segments.models import Pack
from apps.segments.packs import making as packs
from apps.tickets.models import Ticket

PREFIX = "apr"
SHOWN = 100


@dataclass(frozen=True)
class Row:
    """One question. `before` and `after` are what changes, in words; `may_decide` False: it is the reader's own."""

    asked: Approval
    public_id: str
    title: str
    change: "Change"
    may_decide: bool


@dataclass(frozen=True)
class Change:
    """About whom, or which `rule` (its name), and what changes. `is_text`: in sentences, not in figures."""

    about: Member | None = None
    before: str = ""
    after: str = ""
    rule: str = ""
    rule_key: str = ""
    coupon_id: str = ""
    journey_key: str = ""
    is_text: bool = False


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    waiting = Approval.objects.filter(state=Approval.State.WAITING)
    decided = Approval.objects.exclude(state=Approval.State.WAITING)
    facts = {"waiting": _rows(request, waiting), "decided": _rows(request, decided)}
    return render(request, "console/approvals.html", facts)


@require_POST
def decide(request: HttpRequest, approval: str) -> HttpResponse:
    """`verdict` is agree or refuse."""
    approval_id = ids.decode(PREFIX, approval)
    if not any(row.asked.pk == approval_id for row in _rows(request, Approval.objects.filter(pk=approval_id))):
        raise NotFound
    is_agreed = request.POST.get("verdict") == "agree"
    note = request.POST.get("note", "").strip()[:200]
    try:
        user_id = request.access.user_id  # type: ignore[attr-defined]
        if is_agreed:
            _refuse_own_card(request, approval_id)
        approvals.decide(approval_id=approval_id, user_id=user_id, is_agreed=is_agreed, note=note)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Agreed and done.") if is_agreed else _("Refused. Nothing was changed."))
    return redirect("console:approvals")


def waiting(request: HttpRequest, *, limit: int) -> tuple[list[Row], int]:
    """The newest that this person may decide on, and how many there are, of the newest `SHOWN`."""
    reaches = _reaches(request)
    others = Approval.objects.filter(state=Approval.State.WAITING).exclude(asked_by_id=request.user.pk)
    found = [asked for asked in _newest(others) if _is_within(reaches, asked)] if reaches else []
    return [_row(asked, may_decide=True) for asked in found[:limit]], len(found)


def _refuse_own_card(request: HttpRequest, approval_id: int) -> None:
    """Nobody agrees to points or coupons on their own card either. Raises OwnCardShown."""
    asked = Approval.objects.get(pk=approval_id)
    if asked.kind in {adjusting.KIND, handing.KIND}:
        member_id = asked.params["member_id"]
    elif asked.kind == ticket_amends.KIND:
        member_id = Ticket.objects.values_list("member_id", flat=True).get(pk=asked.params["ticket_id"])
    else:
        return
    own_cards.refuse(staff_id=request.access.staff_id, member_id=member_id)  # type: ignore[attr-defined]


def _rows(request: HttpRequest, found: QuerySet[Approval]) -> list[Row]:
    """Newest first, those whose kind and store this person may decide on, and their own questions."""
    rows, reaches = [], _reaches(request)
    for asked in _newest(found):
        is_own = asked.asked_by_id == request.user.pk
        may_decide = not is_own and _is_within(reaches, asked)
        if asked.kind in approvals.KINDS and (is_own or may_decide):
            rows.append(_row(asked, may_decide=may_decide))
    return rows


def _newest(found: QuerySet[Approval]) -> QuerySet[Approval]:
    return found.select_related("asked_by__staff", "decided_by__staff").order_by("-pk")[:SHOWN]


def _row(asked: Approval, *, may_decide: bool) -> Row:
    change = _WORDS.get(asked.kind, _nothing)(asked)
    return Row(asked, ids.encode(PREFIX, asked.pk), str(approvals.KINDS[asked.kind].title), change, may_decide)


def _reaches(request: HttpRequest) -> dict[str, list[int] | None]:
    """What this person may decide on: permission → stores, None all."""
    access = request.access  # type: ignore[attr-defined]
    wanted = {kind.permission for kind in approvals.KINDS.values()}
    return {permission: access.store_ids(permission) for permission in wanted if access.can(permission)}


def _is_within(reaches: dict[str, list[int] | None], asked: Approval) -> bool:
    kind = approvals.KINDS.get(asked.kind)
    if kind is None or kind.permission not in reaches:
        return False
    stores = reaches[kind.permission]
    return stores is None or asked.store_id in stores


def _nothing(asked: Approval) -> Change:
    return Change()


def _of_adjustment(asked: Approval) -> Change:
    facts = asked.params
    now = points.totals(member_id=facts["member_id"], currency=facts["currency"]).balance
    member = Member.objects.filter(pk=facts["member_id"]).first()
    if asked.state != Approval.State.WAITING:
        return Change(member, "", f"{facts['amount']:+,}")
    return Change(member, f"{now:,}", f"{max(now + facts['amount'], 0):,} ({facts['amount']:+,})")


def _of_rule(asked: Approval) -> Change:
    rule = Rule.objects.select_related("current").filter(pk=asked.params["rule_id"]).first()
    if rule is None:
        return Change()
    known = rule_words.names()
    is_open = asked.state == Approval.State.WAITING
    before = rule_words.sentence(rule, rule.current.definition, known) if rule.current and is_open else ""
    after = rule_words.sentence(rule, asked.params["definition"], known)
    name = rule_words.name_of(rule)
    return Change(before=before, after=after, rule=name, rule_key=rule.key, is_text=True)


def _of_achievement(asked: Approval) -> Change:
    now, wanted = asked.params["before"], asked.params["wanted"]
    is_open = asked.state == Approval.State.WAITING
    before = _achievement(now) if now and is_open else ""
    return Change(before=before, after=_achievement(wanted), is_text=True)


def _achievement(said: dict[str, Any]) -> str:
    period = str(Achievement.Period(said["period"]).label)
    name = said["name_en"] if get_language() == "en" else said["name"]
    facts = {
        "name": name,
        "what": achievements.sentence(said["measure"], said["target"], period),
        "points": figure(said["points"]),
    }
    told = _("%(name)s; %(what)s; %(points)s points") % facts
    if key := said.get("coupon_key"):
        told += " " + _("and the coupon “%(name)s”") % {"name": dict(rule_rows.coupons()).get(key, key)}
    return told


def _of_openings(asked: Approval) -> Change:
    facts = asked.params
    text = _("%(points)s points, %(growth)s growth, %(tiers)s tiers for %(members)s members")
    after = text % {name: f"{facts[name]:,}" for name in ("points", "growth", "tiers", "members")}
    return Change(after=after, is_text=True)


def _of_coupon_file(asked: Approval) -> Change:
    facts = asked.params
    worth = _("no bound") if facts["cents"] is None else money.show(facts["cents"])
    text = _("%(count)s coupons, worth at most %(worth)s: %(file)s")
    return Change(after=text % {"count": figure(facts["coupons"]), "worth": worth, "file": asked.reason}, is_text=True)


def _of_ladder(asked: Approval) -> Change:
    now, wanted = (ladders.draft_of(asked.params[name]) for name in ("before", "wanted"))
    before, after = ladder_words.differences(now, wanted)
    is_open = asked.state == Approval.State.WAITING
    return Change(before=before if is_open else "", after=after, is_text=True)


def _of_benefits(asked: Approval) -> Change:
    tier = Tier.objects.filter(key=asked.params["tier"]).first()
    name = tier_card.named(tier) if tier else asked.params["tier"]
    before, after = (ladder_words.benefits(asked.params[said]) for said in ("before", "wanted"))
    said = [_("%(name)s: %(value)s") % {"name": name, "value": value} for value in (before, after)]
    return Change(before=said[0] if asked.state == Approval.State.WAITING else "", after=said[1], is_text=True)


def _of_pack(asked: Approval) -> Change:
    facts = asked.params
    use = Pack.Use(facts["use"]).label
    text = _("%(use)s for %(platform)s, up to %(count)s members: %(why)s")
    said = {"use": use, "platform": facts["recipient"], "count": figure(facts["members"]), "why": asked.reason}
    return Change(after=text % said, is_text=True)


def _of_spend_limits(asked: Approval) -> Change:
    before, after = (
        points_on_orders.sentence(spend_limits.Limits(**asked.params[said])) for said in ("before", "wanted")
    )
    return Change(before=before if asked.state == Approval.State.WAITING else "", after=after, is_text=True)


def _of_till_rules(asked: Approval) -> Change:
    told = till_rules.changes(*(counter_rules.Rules(**asked.params[said]) for said in ("before", "wanted")))
    before, after = (
        _("; ").join(_("%(name)s: %(value)s") % {"name": line[0], "value": line[at] or "—"} for line in told)
        for at in (1, 2)
    )
    return Change(before=before if asked.state == Approval.State.WAITING else "", after=after, is_text=True)


def _of_coupon(asked: Approval) -> Change:
    row = Template.objects.select_related("version").filter(pk=asked.params["template_id"]).first()
    if row is None:
        return Change()
    wish, now = coupons.wish_of(asked), coupons.in_force(row)
    known = coupon_words.known([wish.terms, now.terms if now else None])
    is_open = asked.state == Approval.State.WAITING
    before = coupon_words.wish(now, known) if now and is_open else ""
    name, public_id = coupon_words.name_of(row), ids.encode("cpt", row.pk)
    return Change(before=before, after=coupon_words.wish(wish, known), rule=name, coupon_id=public_id, is_text=True)


def _of_hand_out(asked: Approval) -> Change:
    member = Member.objects.filter(pk=asked.params["member_id"]).first()
    row = Template.objects.select_related("version").filter(pk=asked.params["template_id"]).first()
    said = row.version.terms if row and row.version else None
    if row is None or said is None:
        return Change(member)
    facts = {"name": coupon_words.name_of(row), "value": coupon_words.sentence(said, coupon_words.known([said]))}
    return Change(member, after=_("%(name)s: %(value)s") % facts, is_text=True)


def _of_campaign(asked: Approval) -> Change:
    said = asked.params
    facts = {"name": said["name"], "members": figure(said["members"]), "when": said["plan"].get("at") or _("at once")}
    texts = " / ".join(one["template"] for one in said["plan"].get("variants", ()))
    return Change(after=_("%(name)s to %(members)s members, %(when)s") % facts + ": " + texts, is_text=True)


def _of_prices(asked: Approval) -> Change:
    """The first three of many; what each costs by the list stands before it."""
    tiers, lists = rule_words.names().tiers, asked.params["lists"]
    bundle = deciding.bundle_of(asked)
    if bundle is not None:
        said = price_words.bundle(bundle.kind, count=bundle.count, cents=bundle.cents, percent=bundle.percent)
        after = _("%(name)s: %(value)s") % {"name": bundle.name, "value": said}
        return Change(before=", ".join(sku for sku, _n in bundle.items[:3]), after=after, is_text=True)
    wishes = deciding.wishes_of(asked)
    told = [
        f"{one.sku} {money.show(one.cents)}"
        + ("" if one.is_list else f" ({price_words.audience(one.terms.audience, tiers)})")
        for one in wishes[:3]
    ]
    before = [f"{one.sku} {money.show(lists[one.sku])}" for one in wishes[:3] if one.sku in lists]
    more = _(" and %(n)s more") % {"n": len(wishes) - 3} if len(wishes) > 3 else ""
    return Change(before="; ".join(before), after="; ".join(told) + more, is_text=True)


def _of_journey(asked: Approval) -> Change:
    row = Journey.objects.filter(pk=asked.params["journey_id"]).first()
    after = _("reaches about %(count)s members") % {"count": figure(asked.params["members"])}
    return Change(after=after, rule=row.name if row else "", journey_key=row.key if row else "", is_text=True)


_WORDS: dict[str, Callable[[Approval], Change]] = {
    running.KIND: _of_campaign,
    adjusting.KIND: _of_adjustment,
    achieving.KIND: _of_achievement,
    ladders.LADDER: _of_ladder,
    ladders.BENEFITS: _of_benefits,
    bringing.KIND: _of_openings,
    publishing.KIND: _of_rule,
    coupons.KIND: _of_coupon,
    deciding.KIND: _of_prices,
    handing.KIND: _of_hand_out,
    openings.KIND: _of_coupon_file,
    journeys.KIND: _of_journey,
    counter_rules.KIND: _of_till_rules,
    spend_limits.KIND: _of_spend_limits,
    packs.KIND: _of_pack,
}
