"""Codes of a coupon by the hundred thousand: made by a pattern, taken over from a partner, written to a file; each a job."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.console import coupon_words, people, uploads
from apps.core import ids, jobs
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.coupons import batches
from apps.coupons.models import Batch, Template

PREFIX, BATCH = "cpt", "cpb"
SHOWN = 50


class CodesForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the batch"), max_length=60)
    count = forms.IntegerField(label=gettext_lazy("How many codes"), min_value=1, max_value=batches.MOST)
    pattern = forms.CharField(
        label=gettext_lazy("Pattern"),
        help_text=gettext_lazy(
            "# is a letter or digit, @ a letter, % a digit; capitals and dashes stand for themselves."
        ),
        max_length=40,
        initial="####-####-####-####",
    )


class PartnerForm(uploads.FileForm):
    command = "import_members"
    mode = None  # type: ignore[assignment]  # taken over at once: codes are either there or not
    name = forms.CharField(label=gettext_lazy("Name of the batch"), max_length=60)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, coupon: str) -> HttpResponse:
    """POST makes codes, or takes over a partner's file where the coupon's codes come from one."""
    row = _found(coupon)
    kind: type[forms.Form] = PartnerForm if row.is_pool else CodesForm
    form = kind(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        made = _begun(request, row, form)
        if made is not None:
            messages.success(request, _("The codes are being made."))
            return redirect("console:coupon_codes", coupon)
    facts = {
        "form": form,
        "row": row,
        "name": coupon_words.name_of(row),
        "public_id": coupon,
        "batches": _batches(row),
        "limit": uploads.limit(),
    }
    return render(request, "console/coupon_codes.html", facts, status=422 if form.errors else 200)


@require_POST
def write(request: HttpRequest, coupon: str, batch: str) -> HttpResponse:
    """Whole codes are as good as coupons: they are asked for by the same permission as making them, after a second step."""
    row = Batch.objects.filter(pk=ids.decode(BATCH, batch), template=_found(coupon)).first()
    if row is None:
        raise NotFound
    job = batches.write(batch_id=row.pk, is_full=request.POST.get("what") == "full", by=request.user)  # type: ignore[arg-type]
    return redirect("console:work", jobs.public_id(job))


def _begun(request: HttpRequest, row: Template, form: Any) -> Batch | None:
    said = form.cleaned_data
    try:
        if row.is_pool:
            path = uploads.keep(said["file"])
            return batches.take_over(
                template_id=row.pk, name=said["name"], path=path, file_name=said["file"].name[-120:], by=request.user  # type: ignore[arg-type]
            )  # fmt: skip
        return batches.make(
            template_id=row.pk, name=said["name"], pattern=said["pattern"], count=said["count"], by=request.user  # type: ignore[arg-type]
        )  # fmt: skip
    except ValidationFailed as refusal:
        errors: Any = refusal.facts["errors"]
        for error in errors:
            name = error["pointer"].strip("/")
            form.add_error(name if name in form.fields else None, error["message"])
    except DomainError as refusal:
        people.complain(request, refusal)
        form.add_error(None, str(refusal))
    return None


def _batches(row: Template) -> QuerySet[Batch]:
    return Batch.objects.filter(template=row).select_related("by__staff", "job", "version").order_by("-pk")[:SHOWN]


def _found(public_id: str) -> Template:
    row = Template.objects.select_related("version", "stock").filter(pk=ids.decode(PREFIX, public_id)).first()
    if row is None:
        raise NotFound
    return row
