"""First steps of a new brand: one page, each step done, skipped or taken up again in any order."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.care.journeys import ready
from apps.console import first_steps, people
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.points.models import Tier
from apps.stores import opening, staff
from apps.stores.models import Role, Store
from apps.stores.opening import NewPerson, NewStore

READY_SHOWN = 3


class StoreForm(forms.Form):
    code = forms.CharField(label=gettext_lazy("Store code"), max_length=40)
    name = forms.CharField(label=pgettext_lazy("store", "Name"), max_length=80)
    region = forms.CharField(label=gettext_lazy("Region"), max_length=60, required=False)


class PersonForm(forms.Form):
    """With a password the person may log in, by the staff number."""

    number = forms.CharField(label=gettext_lazy("Staff number"), max_length=40)
    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=60)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.MANAGER)
    store = forms.ChoiceField(label=gettext_lazy("Store"), required=False)
    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=80, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Ten characters or more. Empty: no log-in, only named on orders."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shops = [(store.code, store.name) for store in Store.objects.filter(is_open=True).order_by("code")]
        self.fields["store"].choices = [("", _("Head office")), *shops]  # type: ignore[attr-defined]


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`?step=`: opened at that step; else at the first that is open."""
    return _page(request, at=request.GET.get("step", ""))


@require_POST
def step(request: HttpRequest, step: str) -> HttpResponse:
    """`do`: add (one), file, skip, again, fits."""
    if step not in opening.STEPS:
        raise NotFound
    do = request.POST.get("do", "")
    if do in {"skip", "again", "fits"}:
        opening.mark(step, {"skip": opening.SKIPPED, "fits": opening.SEEN}.get(do))
        return redirect("console:first_steps")
    if step in {"stores", "staff"} and do == "file":
        return _file(request, step)
    if step in {"stores", "staff"} and do == "add":
        return _one(request, step)
    raise NotFound


def _one(request: HttpRequest, step: str) -> HttpResponse:
    form = (StoreForm if step == "stores" else PersonForm)(request.POST)
    if not form.is_valid():
        return _page(request, at=step, form=form)
    said = form.cleaned_data
    try:
        if step == "stores":
            opening.add_stores([NewStore(code=said["code"], name=said["name"], region=said["region"])])
        elif said["password"]:
            staff.add(
                login=said["number"],
                password=said["password"],
                role=said["role"],
                name=said["name"],
                store_code=said["store"],
            )
        else:
            opening.add_people(
                [NewPerson(code=said["number"], name=said["name"], role=said["role"], store=said["store"])]
            )
    except ValidationFailed as refusal:
        form.add_error(None, " ".join(text for _number, text in first_steps.faults_of(refusal)))
        return _page(request, at=step, form=form)
    except DomainError as refusal:
        form.add_error(None, people.in_words(refusal))
        return _page(request, at=step, form=form)
    messages.success(request, _("Added %(name)s.") % {"name": said["name"]})
    return redirect("console:first_steps")


def _file(request: HttpRequest, step: str) -> HttpResponse:
    file = request.FILES.get("file")
    new = 0
    if step == "stores":
        stores, faults = first_steps.read_stores(file)
    else:
        cards, faults = first_steps.read_people(file)
    if not faults:
        try:
            new = opening.add_stores(stores) if step == "stores" else opening.add_people(cards)
        except ValidationFailed as refusal:
            faults = first_steps.faults_of(refusal)
    if faults:
        return _page(request, at=step, faults=faults)
    messages.success(request, _("%(n)s are new.") % {"n": new})
    return redirect("console:first_steps")


def _page(
    request: HttpRequest, *, at: str, form: forms.Form | None = None, faults: list[tuple[int, str]] | None = None
) -> HttpResponse:
    steps = first_steps.steps()
    if at not in opening.STEPS:
        at = next((step.key for step in steps if step.is_open), "")
    facts = {
        "steps": steps,
        "at": at,
        "left": sum(step.is_open for step in steps),
        "faults": faults,
        "store_form": form if isinstance(form, StoreForm) else StoreForm(),
        "person_form": form if isinstance(form, PersonForm) else PersonForm(),
        "store_columns": first_steps.STORE_COLUMNS,
        "staff_columns": first_steps.STAFF_COLUMNS,
        "tiers": list(Tier.objects.order_by("rank")),
        "ready": ready.READY[:READY_SHOWN],
        "stores": list(Store.objects.order_by("code").values_list("code", "name")[:20]),
    }
    return render(request, "console/first_steps.html", facts, status=422 if faults or (form and form.errors) else 200)
