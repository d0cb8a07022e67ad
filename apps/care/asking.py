"""What rules may ask about care. The language stands on a lower floor and knows nothing of messages, so care tells it (`apps.py`)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from apps.segments.language import fields, measures
from apps.segments.language.columns import Column

if TYPE_CHECKING:
    from apps.segments.language.compiling import Compiler

_SENT = "select o.member_id, count(*) as n from care_touch o where o.state in ('sent', 'delivered') and o.settled_at <= %(moment)s"


def _contacts(compiler: "Compiler", leaf: Mapping[str, Any], at: str) -> Column:
    """Messages that went out, of policies and of journeys, counted when they did."""
    narrowed = measures.narrowed(
        compiler, leaf, at, column="o.settled_at", member="o.member_id", parts=("message_channels",)
    )
    return Column("number", f"{compiler.summed(f'{_SENT}{narrowed} group by 1')}.n", empty=0)


# A message changes no note that builds by changes go by: a segment that asks about them is worked out whole once an hour.
CONTACTS = fields.Field(
    _("Messages received"), fields.WINDOWED, "number", _contacts, unit="times", has_window=True, where=("message_channels",),
    moves="hours",
)  # fmt: skip
fields.register("contacts", CONTACTS)
