"""Tasks of groups and what came of them; things handed in are looked at here. Invitations by tag, and how a group code is found."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.care import planning
from apps.care.models import Version
from apps.community import deeds, group_codes, inviting, plan_lists, task_lists
from apps.community.models import GroupCode, GroupTask, Invitee
from apps.console import people
from apps.core import clock, ids
from apps.core.errors import DomainError, ValidationFailed
from apps.coupons.models import Template
from apps.members.models import Tag
from apps.stores.models import Store

TASK, DEED, CODE = "wgt", "wgd", "wgk"
MANAGE = "community.manage"


class GroupTaskForm(forms.Form):
    name = forms.CharField(label=pgettext_lazy("group task", "Name"), max_length=60)
    kind = forms.ChoiceField(label=pgettext_lazy("group task", "Kind"), choices=GroupTask.Kind.choices)
    text = forms.CharField(
        label=gettext_lazy("What members read"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    needed = forms.IntegerField(
        label=gettext_lazy("Check-ins for the reward"),
        help_text=gettext_lazy("On different days. For something handed in: 1."),
        min_value=1,
        max_value=366,
    )
    is_in_a_row = forms.BooleanField(label=gettext_lazy("Day after day, without a gap"), required=False)
    first_on = forms.DateField(
        label=gettext_lazy("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last_on = forms.DateField(
        label=gettext_lazy("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=0, max_value=deeds.MOST_POINTS)
    coupon_key = forms.ChoiceField(label=gettext_lazy("Coupon"), required=False)
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Groups; none chosen: all"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        groups = [(str(row["id"]), row["name"] or "–") for row in plan_lists.groups(group_ids=[])]
        self.fields["groups"].choices = groups  # type: ignore[attr-defined]
        coupons = Template.objects.filter(version__isnull=False).order_by("name").values_list("key", "name")
        self.fields["coupon_key"].choices = [("", _("No coupon")), *coupons]  # type: ignore[attr-defined]

    def task(self) -> dict[str, Any]:
        """What `deeds.create` takes."""
        given = dict(self.cleaned_data)
        return given | {"group_ids": [int(key) for key in given.pop("groups")]}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Posting makes a new one."""
    today = clock.local_date(clock.now())
    start = {"needed": 7, "points": 0, "first_on": today, "last_on": today + timedelta(days=29)}
    form = GroupTaskForm(request.POST or None, initial=start) if _may_manage(request) else None
    if request.method == "POST" and form is not None and form.is_valid():
        try:
            made = deeds.create(**form.task())
        except ValidationFailed as refusal:
            for error in refusal.facts["errors"]:  # type: ignore[attr-defined]
                form.add_error(None, error["message"])
        else:
            messages.success(request, _("“%(name)s” holds from now on.") % {"name": made.name})
            return redirect("console:group_tasks")
    facts = {"rows": task_lists.tasks(today=today), "form": form, "may_manage": form is not None}
    return render(request, "console/group_tasks.html", facts, status=422 if form and form.errors else 200)


@require_POST
def end(request: HttpRequest, group_task: str) -> HttpResponse:
    deeds.end(task_id=ids.decode(TASK, group_task))
    messages.success(request, _("Nobody can add to it any more."))
    return redirect("console:group_tasks")


@require_POST
def judge(request: HttpRequest, deed: str) -> HttpResponse:
    """Does what was handed in count?"""
    try:
        deeds.judge(deed_id=ids.decode(DEED, deed), is_right=request.POST.get("do") == "yes", moment=clock.now())
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Noted."))
    return redirect("console:wecom_today")


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Everybody with a tag into the groups behind a code; the form's token makes a second click the same invitation."""
    if request.method == "POST":
        try:
            made = inviting.invite(
                code_id=_key(request, "code"),
                tag_id=_key(request, "tag"),
                source=f"console:{request.POST.get('token', '')[:40]}",
            )
        except DomainError as refusal:
            people.complain(request, refusal)
        else:
            count = Invitee.objects.filter(invitation=made).count()
            said = ngettext("%(n)s member is invited.", "%(n)s members are invited.", count) % {"n": count}
            messages.success(request, said)
        return redirect("console:group_invite")
    facts = {
        "rows": inviting.results(),
        "codes": GroupCode.objects.exclude(qr_url="").order_by("name"),
        "tags": Tag.objects.order_by("name"),
        "token": uuid4().hex,
        "has_policy": any(one.trigger == Version.Trigger.GROUP_INVITE for one in planning.live_versions()),
        "may_manage": _may_manage(request),
    }
    return render(request, "console/group_invite.html", facts)


@require_POST
def found_by(request: HttpRequest, group_code: str) -> HttpResponse:
    """Which store's members see a group code, and by which word it is found."""
    store = request.POST.get("store", "")
    chosen = Store.objects.filter(pk=int(store)).first() if store.isdecimal() and len(store) < 18 else None
    try:
        group_codes.set_finding(
            code_id=ids.decode(CODE, group_code), store_id=chosen.pk if chosen else None,
            word=request.POST.get("word", ""), is_shown=request.POST.get("is_shown") == "1",
        )  # fmt: skip
    except DomainError as refusal:
        people.complain(request, refusal)
    else:
        messages.success(request, _("Noted."))
    return redirect("console:wecom_groups")


def _key(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _may_manage(request: HttpRequest) -> bool:
    return bool(request.access.can(MANAGE))  # type: ignore[attr-defined]
