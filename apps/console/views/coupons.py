"""Templates of coupons: the list, the designer with its live preview, publishing by one or by two, stop, stock and budgets."""

from itertools import pairwise
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.lists import coupon_templates as listed
from apps.console import asked, coupon_form, coupon_rows, coupon_words, people, rule_words
from apps.console.coupon_form import CouponForm, NewCoupon, StockForm
from apps.console.templatetags.console import money
from apps.core import alerts, clock, ids, jobs, reasons
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.coupons import ceilings, keeping, publishing, templates, warnings, words
from apps.coupons import welcome as welcomes
from apps.coupons.models import Stock, Template, Version

PREFIX = "cpt"
EDIT, PUBLISH = "coupons.edit", "coupons.publish"
VERSIONS = 20


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:60]
    state = asked.one_of(request, name="state", allowed=coupon_words.STATES)
    wanted = listed.Wanted(state=state, text=text)
    page = listed.find(wanted=wanted, moment=clock.now(), cursor=request.GET.get("at", ""))
    known = coupon_words.known(coupon_words.whole(row["terms"]) for row in page.rows)
    states = [(key, label, key == state) for key, (label, _tone) in coupon_words.STATES.items()]
    facts = {
        "rows": [_row(row, known) for row in page.rows],
        "q": text,
        "states": [("", _("All states"), not state), *states],
        "is_narrowed": bool(text or state),
        "may_edit": _may(request, EDIT),
        "may_publish": _may(request, PUBLISH),
        "low": _low() if _may(request, EDIT) else [],
        **asked.pager(request, page),
    }
    return render(request, "console/coupons.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Enough to begin; the rest is written on its page."""
    form = NewCoupon(request.POST or None, initial={"kind": "amount", "most": 1000})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        key = (slugify(said["name_en"]) or "coupon")[:30] + "-" + token_hex(3)
        draft = coupon_form.begun(said["kind"])
        row = templates.create(key=key, name=said["name"], name_en=said["name_en"], draft=draft, most=said["most"])
        messages.success(request, _("“%(name)s” is a draft. Nothing is issued before it is published.") % said)
        return redirect("console:coupon", ids.encode(PREFIX, row.pk))
    return render(request, "console/coupon_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def coupon(request: HttpRequest, coupon: str) -> HttpResponse:
    return _page(request, _found(coupon))


@require_POST
def save(request: HttpRequest, coupon: str) -> HttpResponse:
    """Keep the draft. What publishing would refuse is shown at once, but the draft is not lost."""
    row = _found(coupon)
    form = _sent(request, row)
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    row = templates.save(template_id=row.pk, draft=form.terms(), **form.own())
    try:
        coupon_form.checked(form)
    except ValidationFailed as refusal:
        form.show(refusal.facts["errors"])  # type: ignore[arg-type]
        messages.warning(request, _("Saved as a draft. It cannot be published before the places below are put right."))
        return _page(request, _found(coupon), form=form, status=422)
    messages.success(
        request,
        _("Draft saved. Coupons go on as published until you publish.") if row.draft is not None
        else _("Saved."),
    )  # fmt: skip
    return redirect("console:coupon", coupon)


@require_POST
def preview(request: HttpRequest, coupon: str) -> HttpResponse:
    """The card and the worst case of what is typed; nothing is kept."""
    row = _found(coupon)
    form = _sent(request, row)
    said: Any = None
    if form.is_valid():
        said = coupon_words.whole(form.terms())
    name = form.data.get("name", "")[:60] or row.name
    return render(request, "console/_coupon_preview.html", _shown(row, said, name=name))


@require_POST
def publish(request: HttpRequest, coupon: str) -> HttpResponse:
    row = _found(coupon)
    try:
        done = publishing.publish(template_id=row.pk, by=request.user, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    except ValidationFailed as refusal:
        form = coupon_form.findings(row, rule_words.names().tiers, refusal.facts["errors"])
        return _page(request, row, form=form, status=422)
    people.told_of_publishing(
        request,
        number=done.version.number if done.version else None,
        name=coupon_words.name_of(row),
        waits=_("“%(name)s” waits for a second person: it can cost more than you may cause alone."),
        counts=_("Version %(number)s of “%(name)s” counts for coupons issued from now on."),
    )
    return redirect("console:coupon", coupon)


@require_POST
def drop(request: HttpRequest, coupon: str) -> HttpResponse:
    """Throw the draft away; the published version stays."""
    row = _found(coupon)
    if row.version is not None:
        templates.save(template_id=row.pk, draft=row.version.terms)
        messages.success(request, _("The draft is dropped."))
    return redirect("console:coupon", coupon)


@require_POST
def stop(request: HttpRequest, coupon: str) -> HttpResponse:
    row = _found(coupon)
    try:
        templates.stop(template_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        said = _("“%(name)s” is stopped: nothing is issued or redeemed any more.")
        messages.success(request, said % {"name": coupon_words.name_of(row)})
    return redirect(_back(request, coupon))


@require_POST
def resume(request: HttpRequest, coupon: str) -> HttpResponse:
    row = _found(coupon)
    try:
        templates.resume(template_id=row.pk)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("“%(name)s” goes on.") % {"name": coupon_words.name_of(row)})
    return redirect(_back(request, coupon))


@require_POST
def welcome(request: HttpRequest, coupon: str) -> HttpResponse:
    """Everybody who registers gets one from now on, or no longer."""
    row, is_on = _found(coupon), request.POST.get("give") == "1"
    on, off = (
        _("Everybody who registers gets “%(name)s” from now on."),
        _("“%(name)s” is not given to who registers any more."),
    )
    try:
        welcomes.give(key=row.key, is_on=is_on)
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, (on if is_on else off) % {"name": coupon_words.name_of(row)})
    return redirect("console:coupon", coupon)


@require_POST
def low_seen(request: HttpRequest) -> HttpResponse:
    """Somebody has looked at a stock that runs low. Raises NotFound where there is nothing to see."""
    wanted = request.POST.get("alert", "")
    if wanted not in {str(one.pk) for one in alerts.unseen(warnings.LOW)}:
        raise NotFound
    alerts.see(alert_id=int(wanted), user_id=request.access.user_id)  # type: ignore[attr-defined]
    return redirect("console:coupons")


@require_POST
def stock(request: HttpRequest, coupon: str) -> HttpResponse:
    row = _found(coupon)
    form = StockForm(request.POST)
    if not form.is_valid():
        return _page(request, row, stock=form, status=422)
    said = form.cleaned_data
    try:
        done = publishing.set_stock(
            template_id=row.pk, most=said["most"], low_at=said["low_at"], by=request.user, reason=said["reason"]  # type: ignore[arg-type]
        )  # fmt: skip
    except DomainError as refusal:
        form.add_error("most", str(refusal))
        return _page(request, row, stock=form, status=refusal.status)
    _told(request, done)
    return redirect("console:coupon", coupon)


@require_POST
def budgets(request: HttpRequest, coupon: str) -> HttpResponse:
    row = _found(coupon)
    rows = coupon_rows.ceilings(ceilings.listed(row.pk), data=request.POST)
    if not rows.is_valid():
        return _page(request, row, rows=rows, status=422)
    _told(request, publishing.set_budgets(template_id=row.pk, wanted=coupon_rows.wanted(rows), by=request.user))  # type: ignore[arg-type]
    return redirect("console:coupon", coupon)


@require_POST
def recall(request: HttpRequest, coupon: str) -> HttpResponse:
    """Every coupon of it that nobody has used, by job."""
    row = _found(coupon)
    note = reasons.said(request.POST.get("reason", ""))
    if not note:
        messages.error(request, _("Say why, in a few words."))
        return redirect("console:coupon", coupon)
    job = keeping.start_recall(template_id=row.pk, user=request.user, note=note)  # type: ignore[arg-type]
    return redirect("console:work", jobs.public_id(job))


def _told(request: HttpRequest, done: publishing.Outcome) -> None:
    if done.approval_id is None:
        messages.success(request, _("Saved; it counts from now on."))
    else:
        messages.info(request, _("It can cost more than you may cause alone: it counts once another person agrees."))


def _may(request: HttpRequest, permission: str) -> bool:
    return bool(request.access.can(permission))  # type: ignore[attr-defined]


def _back(request: HttpRequest, coupon: str) -> str:
    return "console:coupons" if request.POST.get("from") == "list" else f"/console/coupons/{coupon}/"


def _found(public_id: str) -> Template:
    row = (
        Template.objects.select_related("version__published_by__staff", "version__agreed_by__staff", "stock")
        .filter(pk=ids.decode(PREFIX, public_id))
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _sent(request: HttpRequest, row: Template) -> CouponForm:
    return CouponForm(request.POST, tiers=rule_words.names().tiers, kept=coupon_form.edited(row))


def _row(row: dict[str, Any], known: words.Names) -> dict[str, Any]:
    said = coupon_words.whole(row["terms"])
    label, tone = coupon_words.STATES[row["state"]]
    name = row["name_en"] if row["name_en"] and rule_words.is_english() else row["name"]
    return row | {
        "public_id": ids.encode(PREFIX, row["id"]),
        "named": name,
        "label": label,
        "tone": tone,
        "card": words.card(said, known) if said else None,
        "left": None if row["most"] is None else row["most"] - row["issued"],
        "rate": row["used"] / row["issued"] if row["issued"] else None,
    }


def _low() -> list[dict[str, Any]]:
    """Noticed and not yet looked at; what was stocked up or stopped since is no news any more."""
    left = warnings.running_low()
    noticed = {
        one.facts["template_id"]: one for one in reversed(alerts.unseen(warnings.LOW))
    }  # the newest of a template
    rows = Template.objects.in_bulk(noticed.keys() & left.keys())
    return [
        {
            "id": one.pk, "at": one.at, "public_id": ids.encode(PREFIX, key), "named": coupon_words.name_of(rows[key]),
            "left": left[key],
        }
        for key, one in noticed.items() if key in rows
    ]  # fmt: skip


def _shown(row: Template, said: dict[str, Any] | None, *, name: str) -> dict[str, Any]:
    """What the preview draws; `said` None: not finished."""
    facts: dict[str, Any] = {"name": name, "row": row}
    if said is None:
        return facts
    known = coupon_words.known([said])
    wish = publishing.Wish(said, Stock.objects.get(template=row).most, budgets=ceilings.listed(row.pk))
    return facts | {
        "card": words.card(said, known),
        "bound": coupon_words.bound(said, most=wish.most, ceilings=wish.ceilings),
        "has_budgets": bool(wish.budgets),
        "is_gift": said["level"] == "gift",
    }


def _page(
    request: HttpRequest, row: Template, *, form: CouponForm | None = None, stock: StockForm | None = None, rows: Any = None,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    text, live = coupon_form.edited(row), row.version
    said, may_edit = coupon_words.whole(text), _may(request, EDIT)
    versions = list(Version.objects.filter(template=row).select_related("published_by__staff", "agreed_by__staff")
                    .order_by("-number")[: VERSIONS + 1])  # fmt: skip
    known = coupon_words.known([said, *(one.terms for one in versions)])
    tiers = rule_words.names().tiers
    label, tone = coupon_words.STATES[row.state]
    counts = listed.fates([row.pk], moment=clock.now()).get(row.pk, {})
    facts = _shown(row, said, name=coupon_words.name_of(row)) | {
        "public_id": ids.encode(PREFIX, row.pk),
        "label": label,
        "tone": tone,
        "live": live,
        "parts": words.parts(live.terms, known) if live else [],
        "changes": words.differences(live.terms, said, known) if live and row.draft is not None and said else [],
        "has_draft": row.draft is not None,
        "is_whole": said is not None,
        "next_number": (versions[0].number if versions else 0) + 1,
        "versions": _versions(versions, known),
        "stock": row.stock,
        "left": templates.left(row.stock),
        "counts": counts,
        "budgets": [_budget(one) for one in ceilings.used(row.pk)],
        "may_edit": may_edit,
        "is_welcome": welcomes.is_given(row.key),
        "form": form or CouponForm(initial=coupon_form.initial(row, text), tiers=tiers, kept=text),
        "stock_form": stock or StockForm(initial={"most": row.stock.most, "low_at": row.stock.low_at}),
        "rows": rows if rows is not None else coupon_rows.ceilings(ceilings.listed(row.pk)),
    }
    return render(request, "console/coupon.html", facts | _approval(request, row, said, known), status=status)


def _approval(request: HttpRequest, row: Template, said: dict[str, Any] | None, known: words.Names) -> dict[str, Any]:
    waiting = publishing.waiting(template_id=row.pk)
    needs = False
    if said is not None:
        wish = publishing.Wish(said, row.stock.most, budgets=ceilings.listed(row.pk))
        needs = publishing.needs_another(wish, now=publishing.in_force(row), by=request.user)  # type: ignore[arg-type]
    return {
        "waiting": waiting,
        "waiting_said": coupon_words.wish(publishing.wish_of(waiting), known) if waiting else "",
        "needs_another": needs,
        "limit": publishing.limit(request.user),  # type: ignore[arg-type]
        "may_publish": _may(request, PUBLISH),
        "may_codes": _may(request, "coupons.codes"),
    }


def _budget(used: ceilings.Used) -> dict[str, Any]:
    row = used.budget
    is_money = row.of == row.Of.CENTS
    return {
        "said": coupon_words.budget(row.per, row.of, row.most),
        "spent": money(used.spent) if is_money else rule_words.figure(used.spent),
        "most": money(row.most) if is_money else rule_words.figure(row.most),
        "part": used.spent,
        "whole": row.most,
        "full": used.full,
        "is_single": row.per == row.Per.TOTAL,
        "counters": used.counters,
    }


def _versions(found: list[Version], known: words.Names) -> list[dict[str, Any]]:
    """Newest first, each with what it changed of the one before."""
    before = {later.number: earlier.terms for later, earlier in pairwise(found)}
    return [
        {
            "version": one,
            "said": coupon_words.sentence(one.terms, known),
            "worst": coupon_words.worst(one.worst_cents),
            "changes": words.differences(before[one.number], one.terms, known) if one.number in before else [],
        }
        for one in found[:VERSIONS]
    ]
