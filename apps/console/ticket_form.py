"""Forms of the service desk: a new ticket, words, and how much goes back."""

import secrets
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core import money
from apps.orders.models import Line
from apps.tickets import member_view
from apps.tickets.models import Ticket

NEWEST = 30  # order lines to choose from


class Keyed(forms.Form):
    """A form that counts once, however often it is sent."""

    request_key = forms.CharField(
        widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")], max_length=40
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("request_key", secrets.token_urlsafe(15))


class TicketForm(Keyed):
    kind = forms.ChoiceField(label=pgettext_lazy("ticket", "Kind"), choices=Ticket.Kind.choices)
    lines = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("ticket", "What it is about"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    title = forms.CharField(label=pgettext_lazy("ticket", "In one line"), max_length=120)
    text = forms.CharField(
        label=pgettext_lazy("ticket", "What the member says"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    channel = forms.ChoiceField(
        label=pgettext_lazy("ticket", "How it came"),
        choices=(("phone", gettext_lazy("Phone")), ("counter", pgettext_lazy("ticket", "In the store"))),
    )
    priority = forms.TypedChoiceField(
        label=pgettext_lazy("task", "How pressing"), choices=Ticket.Priority.choices, coerce=int, initial=2
    )

    def __init__(self, *args: Any, member_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Line.objects.filter(order__member_id=member_id, order__paid_at__isnull=False)
        rows = rows.select_related("order", "product").order_by("-order__paid_at", "line_no")[:NEWEST]
        self.fields["lines"].choices = [(row.pk, line_label(row)) for row in rows]  # type: ignore[attr-defined]


class WordsForm(Keyed):
    """`seen`: the newest words that the page showed; what somebody else wrote since is shown before these are sent."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, required=False)
    text = forms.CharField(label=gettext_lazy("Answer"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 4}))
    is_internal = forms.BooleanField(label=gettext_lazy("A note among staff; the member never sees it"), required=False)
    move = forms.ChoiceField(label=pgettext_lazy("ticket", "And then"), required=False)

    def __init__(self, *args: Any, moves: list[tuple[str, str]], has_pictures: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].required = not has_pictures  # pictures alone are words enough
        self.fields["move"].choices = [("", _("leave it as it is")), *moves]  # type: ignore[attr-defined]
        self.fields["text"].widget.attrs |= {"data-words": "", "id": "id_text"}


class SplitForm(Keyed):
    """What leaves for a ticket of its own: words and lines of this one."""

    kind = forms.ChoiceField(label=pgettext_lazy("ticket", "Kind"), choices=Ticket.Kind.choices)
    title = forms.CharField(label=pgettext_lazy("ticket", "In one line"), max_length=120)
    messages = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Words that go"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    lines = forms.TypedMultipleChoiceField(
        label=pgettext_lazy("ticket", "What it is about"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )  # fmt: skip

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, prefix="split", **kwargs)
        words = ticket.messages.order_by("pk").values_list("pk", "text")
        held = ticket.lines.filter(is_open=True).select_related("line__order", "line__product").order_by("pk")
        self.fields["messages"].choices = [(key, text[:60]) for key, text in words]  # type: ignore[attr-defined]
        self.fields["lines"].choices = [(one.line_id, line_label(one.line)) for one in held]  # type: ignore[attr-defined]


class RefundForm(forms.Form):
    """Yuan for each line of the ticket; empty: nothing of it."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        some = dict(ticket.lines.values_list("line_id", "quantity"))
        self.rows = [held.line for held in ticket.lines.select_related("line__order", "line__product").order_by("pk")]
        for row in self.rows:
            left = member_view.share_cents(row, some[row.pk])
            self.fields[f"line_{row.pk}"] = forms.CharField(
                label=line_label(row), required=False, initial=money.yuan(left), max_length=20,
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )  # fmt: skip
        self.order_fields([*(f"line_{row.pk}" for row in self.rows), "reason"])

    def cents(self) -> dict[int, int]:
        return {row.pk: cents for row in self.rows if (cents := self.cleaned_data.get(f"cents_{row.pk}", 0))}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for row in self.rows:
            if text := said.get(f"line_{row.pk}"):
                try:
                    said[f"cents_{row.pk}"] = money.cents(text)
                except ValueError:
                    self.add_error(f"line_{row.pk}", _("Enter an amount such as 12.50."))
        return said


def line_label(row: Line) -> str:
    name = row.product.name if row.product else _("Line %(number)s") % {"number": row.line_no}
    return f"{name} · {money.show(row.total_cents)} · {row.order.order_no}"
