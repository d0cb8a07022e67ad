"""Prices: the list, the editor with what it would do, the end and its undoing, the history of a product, files in and out."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.analytics.lists import prices as listed
from apps.catalog import barcodes, deciding, price_files, prices, stocking, words
from apps.catalog.models import Bundle, Price, Product
from apps.catalog.prices import Who
from apps.console import asked, people, price_form, rule_words, uploads
from apps.console.price_form import BundleForm, DatedForm, PriceForm
from apps.core import clock, csv_files, ids, jobs, money
from apps.core.errors import DomainError, NotFound
from apps.coupons.words import CHANNELS, WEEKDAYS

PRICE, BUNDLE, PRODUCT = "prc", "bnd", "prd"
EDIT = "prices.edit"
SOURCE = "console"
STATES = {
    "running": (pgettext_lazy("price", "Counts now"), "ok"),
    "soon": (pgettext_lazy("price", "Begins later"), "info"),
    "ended": (pgettext_lazy("price", "Over"), ""),
}
KINDS = {
    "special": pgettext_lazy("price", "Special prices"),
    "bundle": pgettext_lazy("price", "Bundles"),
    "list": pgettext_lazy("price", "List prices"),
}
MOST_EXPORTED = 20_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    wanted = _wanted(request)
    moment = clock.now()
    page = listed.find(wanted=wanted, moment=moment, cursor=request.GET.get("at", ""))
    tiers = rule_words.names().tiers
    states = [(key, label, key == wanted.state) for key, (label, _tone) in STATES.items()]
    facts = {
        "rows": [_row(row, tiers) for row in page.rows],
        "kind": wanted.kind,
        "kinds": [(key, label, key == wanted.kind) for key, label in KINDS.items()],
        "states": [("", _("All states"), not wanted.state), *states],
        "q": wanted.text,
        "is_narrowed": bool(wanted.text or wanted.state),
        "may_edit": _may(request),
        "waiting": deciding.waiting(),
        **asked.pager(request, page),
    }
    return render(request, "console/prices.html", facts)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`?sku=` begins with that product."""
    form = PriceForm(
        request.POST or None, tiers=rule_words.names().tiers, initial={"sku": request.GET.get("sku", "")[:60]}
    )
    return _editor(request, form, is_bundle=False)


@require_http_methods(["GET", "HEAD", "POST"])
def new_bundle(request: HttpRequest) -> HttpResponse:
    start = {"kind": "for", "count": 2, "goods": request.GET.get("sku", "")[:60]}
    form = BundleForm(request.POST or None, tiers=rule_words.names().tiers, initial=start)
    return _editor(request, form, is_bundle=True)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Of what is typed; nothing is kept."""
    form = _form(request)
    return render(request, "console/_price_preview.html", _shown(request, form))


@require_safe
def product(request: HttpRequest, product: str) -> HttpResponse:
    row = Product.objects.select_related("category").filter(pk=ids.decode(PRODUCT, product)).first()
    if row is None:
        raise NotFound
    moment, tiers = clock.now(), rule_words.names().tiers
    dated = list(Price.objects.filter(product=row).select_related("by__staff", "agreed_by__staff", "stopped_by__staff"))
    bundles = Bundle.objects.filter(items__product=row).select_related(
        "by__staff", "agreed_by__staff", "stopped_by__staff"
    )
    dated.sort(key=lambda one: (one.starts_at, one.pk), reverse=True)
    facts = {
        "product": row,
        "barcode": barcodes.shown(row.barcode),
        "prices": [_past(one, tiers, moment) for one in dated],
        "bundles": [_past(one, tiers, moment) for one in bundles.order_by("-pk")],
        "stock": stocking.of_skus([row.sku]),
        "may_edit": _may(request),
        "public_id": product,
    }
    return render(request, "console/price_product.html", facts)


@require_POST
def stop(request: HttpRequest, price: str) -> HttpResponse:
    row = _found(price)
    try:
        prices.stop(row=row, by=request.user)  # type: ignore[arg-type]
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("It counts no more. What was bought at it stays as it is."))
    return redirect(_back(request))


@require_POST
def undo(request: HttpRequest, price: str) -> HttpResponse:
    row = _found(price)
    try:
        prices.undo_stop(row=row, who=Who(request.user, None, SOURCE))  # type: ignore[arg-type]
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("It counts again from now on, to the end it had."))
    return redirect(_back(request))


@require_safe
def csv(request: HttpRequest) -> HttpResponse:
    """What the list shows, all pages; `price_files` reads the same columns."""
    wanted = _wanted(request)
    if wanted.kind == "bundle":
        raise NotFound
    page = listed.find(wanted=wanted, moment=clock.now(), size=MOST_EXPORTED)
    rows = [price_files.row(one, kind=wanted.kind) for one in page.rows]
    return csv_files.response(name=f"prices-{wanted.kind}.csv", headers=price_files.COLUMNS, rows=rows)


@require_http_methods(["GET", "HEAD", "POST"])
def file(request: HttpRequest) -> HttpResponse:
    """All rows of a file count, or none and each fault is told; a large one is a job, of which each good row counts."""
    if request.method != "POST":
        return render(request, "console/price_file.html", {"columns": price_files.COLUMNS, "most": price_files.MOST})
    sent = request.FILES.get("file")
    if sent is not None and price_files.is_large(sent):
        job = price_files.start(path=uploads.keep(sent), file_name=uploads.harmless(sent), by=request.user)  # type: ignore[arg-type]
        return redirect("console:work", jobs.public_id(job))
    read = price_files.read(sent)
    facts: dict[str, Any] = {"columns": price_files.COLUMNS, "most": price_files.MOST, "faults": read.faults}
    if not read.faults:
        try:
            done = price_files.put(read, by=request.user)  # type: ignore[arg-type]
        except DomainError as refusal:
            facts["faults"] = [(0, str(refusal))]
        else:
            _told(request, done, count=len(read.items))
            return redirect("console:prices")
    return render(request, "console/price_file.html", facts, status=422)


def _editor(request: HttpRequest, form: DatedForm, *, is_bundle: bool) -> HttpResponse:
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            done = _put(form, request)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            _told(request, done, count=1)
            return redirect(reverse("console:prices") + ("?kind=bundle" if is_bundle else f"?kind={_kind(form)}"))
    if form.errors:
        status = 422
    facts = _shown(request, form) | {"form": form, "is_bundle": is_bundle, "limit": deciding.limit(request.user)}  # type: ignore[arg-type]
    return render(request, "console/price_new.html", facts, status=status)


def _put(form: DatedForm, request: HttpRequest) -> deciding.Outcome:
    reason, by = form.cleaned_data["reason"], request.user
    if isinstance(form, BundleForm):
        return deciding.put_bundle(form.wish(), by=by, source=SOURCE, reason=reason)  # type: ignore[arg-type]
    wish = form.wish()  # type: ignore[attr-defined]
    return deciding.put([wish], by=by, source=SOURCE, reason=reason, takes_over=not wish.is_list)  # type: ignore[arg-type]


def _kind(form: DatedForm) -> str:
    return "list" if form.cleaned_data.get("is_list") else "special"


def _form(request: HttpRequest) -> PriceForm | BundleForm:
    kind = BundleForm if request.POST.get("is_bundle") else PriceForm
    return kind(request.POST, tiers=rule_words.names().tiers)


def _shown(request: HttpRequest, form: DatedForm) -> dict[str, Any]:
    if not form.is_bound or not form.is_valid():
        return {"tried": None}
    wish = form.wish()  # type: ignore[attr-defined]
    try:
        tried = price_form.tried(wish, moment=clock.now())
    except (DomainError, StopIteration, ZeroDivisionError):
        tried = None
    limit = deciding.limit(request.user)  # type: ignore[arg-type]
    return {"tried": tried, "needs_another": tried is not None and tried.depth > limit, "limit": limit}


def _told(request: HttpRequest, done: deciding.Outcome, *, count: int) -> None:
    if done.approval_id is not None:
        messages.info(
            request, _("It goes further below the list price than you may alone: it counts once another person agrees.")
        )
    elif done.made:
        messages.success(
            request, _("Saved: %(made)s of %(count)s prices are new.") % {"made": done.made, "count": count}
        )
    else:
        messages.info(request, _("Nothing is new: these prices counted already."))


def _found(public_id: str) -> Price | Bundle:
    if public_id.startswith(BUNDLE):
        row: Price | Bundle | None = Bundle.objects.filter(pk=ids.decode(BUNDLE, public_id)).first()
    else:
        row = Price.objects.select_related("product").filter(pk=ids.decode(PRICE, public_id)).first()
    if row is None:
        raise NotFound
    return row


def _wanted(request: HttpRequest) -> listed.Wanted:
    return listed.Wanted(
        kind=asked.one_of(request, name="kind", allowed=KINDS) or "special",
        state=asked.one_of(request, name="state", allowed=STATES),
        text=" ".join(request.GET.get("q", "").replace("\0", "").split())[:60],
    )


def _row(row: dict[str, Any], tiers: dict[str, str]) -> dict[str, Any]:
    label, tone = STATES[row["state"]]
    is_bundle = "skus" in row
    told = {
        "public_id": ids.encode(BUNDLE if is_bundle else PRICE, row["id"]),
        "product_public_id": ids.encode(PRODUCT, row["product_id"]),
        "state_label": label,
        "tone": tone,
        "for_whom": words.audience(row["audience"], tiers),
        "where": _where(row["store"], row["channel"]),
        "times": words.times(row["weekdays"], row["hours"], WEEKDAYS),
    }
    if is_bundle:
        told["said"] = words.bundle(row["kind"], count=row["count"], cents=row["cents"], percent=row["percent"])
        told["named"] = row["name_en"] if row["name_en"] and rule_words.is_english() else row["name"]
    elif row["list_cents"]:
        told["below"] = max(row["list_cents"] - row["cents"], 0) / row["list_cents"]
    return row | told


def _past(row: Price | Bundle, tiers: dict[str, str], moment: Any) -> dict[str, Any]:
    state = listed.state(row.starts_at, row.ends_at, moment)
    label, tone = STATES[state]
    is_over = row.was_until is not None and row.was_until <= moment
    told = {
        "row": row,
        "state": state,
        "state_label": label,
        "tone": tone,
        "for_whom": words.audience(row.audience, tiers),
        "where": _where(row.store, row.channel),
        "times": words.times(row.weekdays, row.hours, WEEKDAYS),
        "may_undo": row.stopped_at is not None and not is_over,
    }
    if isinstance(row, Bundle):
        said = words.bundle(row.kind, count=row.count, cents=row.cents, percent=row.percent)
        return told | {"public_id": ids.encode(BUNDLE, row.pk), "said": f"{row.name} · {said}"}
    kind = (
        pgettext("price", "List price")
        if row.kind == Price.Kind.LIST
        else row.label or pgettext("price", "Special price")
    )
    return told | {
        "public_id": ids.encode(PRICE, row.pk),
        "said": f"{money.show(row.cents)} · {kind}",
        "is_list": row.kind == Price.Kind.LIST,
    }


def _where(store: str, channel: str) -> str:
    return " · ".join(part for part in (store, str(CHANNELS.get(channel, channel))) if part)


def _may(request: HttpRequest) -> bool:
    return bool(request.access.can(EDIT))  # type: ignore[attr-defined]


def _back(request: HttpRequest) -> str:
    product = request.POST.get("product", "")
    if product:
        return reverse("console:price_product", args=[ids.encode(PRODUCT, ids.decode(PRODUCT, product))])
    return reverse("console:prices") + ("?kind=bundle" if request.POST.get("kind") == "bundle" else "")
