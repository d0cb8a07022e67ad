"""The form of a new follow-up: what to do, until when, and by whom."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core import clock
from apps.followups import assigning
from apps.followups.models import Task
from apps.members.models import Member
from apps.stores.models import Staff

FURTHEST = timedelta(days=365)
OWN, POOL = "own", "pool"


class FollowupForm(forms.Form):
    kind = forms.ChoiceField(
        label=pgettext_lazy("task", "How"), choices=Task.Kind.choices, widget=forms.RadioSelect, initial=Task.Kind.CALL
    )
    title = forms.CharField(label=pgettext_lazy("task", "What to do"), min_length=2, max_length=120)
    note = forms.CharField(
        label=pgettext_lazy("task", "What to know"),
        help_text=gettext_lazy("No phone numbers. The member can read it in a copy of their data."),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    due_on = forms.DateField(
        label=pgettext_lazy("task", "Until the end of"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    priority = forms.ChoiceField(
        label=pgettext_lazy("task", "How pressing"), choices=Task.Priority.choices, initial=Task.Priority.NORMAL
    )
    assignee = forms.ChoiceField(label=pgettext_lazy("task", "Who"))
    request_key = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")], max_length=40
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member
        self.fields["assignee"].choices = [  # type: ignore[attr-defined]
            (OWN, _("Whoever serves them, else the store's pool")),
            (POOL, _("The store's pool: who comes first")),
            *colleagues(member.home_store_id),
        ]

    def clean_due_on(self) -> date:
        day, today = self.cleaned_data["due_on"], clock.local_date(clock.now())
        if not today <= day <= today + FURTHEST:
            raise forms.ValidationError(_("Choose a day from today on, at most a year ahead."))
        return day

    def task(self, *, by_staff_id: int) -> assigning.NewTask:
        """What the form asks for; the same form sent twice is the same task."""
        given, who = self.cleaned_data, self.cleaned_data["assignee"]
        return assigning.NewTask(
            source=f"hand:{by_staff_id}:{given['request_key']}", kind=given["kind"], title=given["title"], note=given["note"],
            due_at=clock.day_end(given["due_on"]) - timedelta(seconds=1), member_id=self.member.pk,
            priority=int(given["priority"]), is_for_pool=who == POOL,
            assignee_id=int(who) if who not in {OWN, POOL} else None,
            store_id=self.member.home_store_id if who not in {OWN, POOL} else None,
        )  # fmt: skip


def colleagues(store_id: int | None) -> list[tuple[str, str]]:
    """Who can have a task of that store (None: of head office)."""
    found = Staff.objects.filter(Q(store_id=store_id), is_active=True, user__isnull=False).order_by("code")
    return [(str(person.pk), str(person)) for person in found[:200]]
