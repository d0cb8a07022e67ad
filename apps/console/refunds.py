"""The refund form: whole, one line, or an amount; and what it will do, in words, before it is done."""

from dataclasses import dataclass

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import money
from apps.orders.selectors import Detail

WHAT = (
    ("whole", gettext_lazy("All that is left")),
    ("line", gettext_lazy("One line")),
    ("amount", gettext_lazy("An amount")),
)


@dataclass(frozen=True)
class Preview:
    """Consequences in 分."""

    amount_cents: int
    left_cents: int
    empties: bool


class RefundForm(forms.Form):
    what = forms.ChoiceField(label=gettext_lazy("What to refund"), choices=WHAT, widget=forms.RadioSelect)
    line = forms.TypedChoiceField(label=gettext_lazy("Line"), coerce=int, empty_value=None, required=False)
    amount = forms.CharField(label=gettext_lazy("Amount in yuan"), required=False, max_length=20)
    request_key = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(r"^[A-Za-z0-9_-]{12,40}$")])

    def __init__(self, *args: object, detail: Detail, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.detail = detail
        open_lines = [line for line in detail.lines if line.refundable_cents > 0]
        self.fields["line"].choices = [("", _("Choose a line")), *((line.id, _line(line)) for line in open_lines)]  # type: ignore[attr-defined]
        self.fields["amount"].widget.attrs.update(inputmode="decimal", placeholder="0.00")

    @property
    def line_id(self) -> int | None:
        return self.cleaned_data["line"] if self.cleaned_data["what"] == "line" else None

    @property
    def amount_cents(self) -> int | None:
        """None refunds all that is left of the order, or of the line."""
        return self.cleaned_data.get("amount_cents") if self.cleaned_data["what"] == "amount" else None

    def clean(self) -> dict:
        cleaned = super().clean() or {}
        if cleaned.get("what") == "line" and not cleaned.get("line"):
            self.add_error("line", _("Choose the line to refund."))
        if cleaned.get("what") == "amount":
            self._check_amount(cleaned)
        return cleaned

    def _check_amount(self, cleaned: dict) -> None:
        try:
            cents = money.cents(cleaned.get("amount") or "")
        except ValueError:
            self.add_error("amount", _("Enter an amount such as 12.50."))
            return
        most = self.detail.refundable_cents
        if not 0 < cents <= most:
            self.add_error("amount", _("Enter more than 0 and at most %(most)s.") % {"most": money.show(most)})
            return
        cleaned["amount_cents"] = cents


def preview(*, form: RefundForm, detail: Detail) -> Preview:
    if form.line_id is not None:
        amount = next(line.refundable_cents for line in detail.lines if line.id == form.line_id)
    else:
        amount = form.amount_cents if form.amount_cents is not None else detail.refundable_cents
    left = detail.order.total_cents - detail.order.refunded_cents - amount
    return Preview(amount_cents=amount, left_cents=left, empties=left == 0)


def _line(line) -> str:
    name = line.product or line.sku or _("Line %(number)s") % {"number": line.line_no}
    return f"{name} · {money.show(line.refundable_cents)}"
