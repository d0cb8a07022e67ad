"""What stands at hand beside the thread: macros, answers ready to be sent, and how a ticket may be made good."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import pgettext_lazy

from apps.console import coupon_words
from apps.console.reason_field import Reason
from apps.console.ticket_form import Keyed
from apps.coupons import handing
from apps.coupons.models import Coupon, Template
from apps.flows import ticket_texts
from apps.points import adjusting
from apps.tickets import actions, macros
from apps.tickets.models import Amends, Message, Ticket


class AmendsForm(Keyed):
    points = forms.IntegerField(label=pgettext_lazy("amends", "Points"), required=False, min_value=0, initial=0)
    template = forms.ModelChoiceField(
        label=pgettext_lazy("amends", "Or a coupon"), queryset=Template.objects.none(), required=False
    )
    reason = Reason()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        running = Template.objects.filter(state=Template.State.RUNNING, is_pool=False)
        self.fields["template"].queryset = running  # type: ignore[attr-defined]
        self.fields["template"].label_from_instance = coupon_words.name_of  # type: ignore[attr-defined]


def of(
    request: HttpRequest, row: Ticket, *, said: Sequence[Message], amends: AmendsForm | None = None
) -> dict[str, Any]:
    """For whoever may work on it; two statements for macros and answers, whatever there is."""
    known = macros.for_ticket(row)
    english = actions.writes_english(said)
    answers = [(one.name, done) for one in known for done in one.actions if done["kind"] == "reply"]
    texts = [(name, actions.wording(done, in_english=english)) for name, done in answers]
    filled = ticket_texts.filled_all([text for _name, text in texts], member_id=row.member_id)
    given = Amends.objects.filter(ticket=row).select_related("by").first()
    role = request.access.role  # type: ignore[attr-defined]
    return {
        "macros": known,
        "replies": [(name, text) for (name, _text), text in zip(texts, filled, strict=True)],
        "given": given,
        "given_name": _name_of(given),
        "amends": None if given else amends or AmendsForm(auto_id="amends_%s"),
        "alone_points": adjusting.limits(role)["each"],
        "alone_cents": handing.limits(role)["each"],
    }


def _name_of(given: Amends | None) -> str:
    if given is None or given.kind != "coupon":
        return ""
    row = Coupon.objects.select_related("template").filter(pk=given.given_key).first()
    return coupon_words.name_of(row.template) if row else ""
