"""Doors by which members, consents and log-ins came, in words: "portal", or a door and what stood there ("code:7hKq2mA")."""

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

# What stands before the colon → what it is called. Files may bring sources of their own; these are shown as they are.
DOORS: dict[str, str | Promise] = {
    "code": pgettext_lazy("where members come from", "Codes and short links"),
    "portal": pgettext_lazy("where members come from", "Members' pages"),
    "wechat": pgettext_lazy("where members come from", "Mini-program"),
    "store": pgettext_lazy("where members come from", "Till in a store"),
    "api": pgettext_lazy("where members come from", "Apps and other programs"),
    "import": pgettext_lazy("where members come from", "File"),
    "demo": pgettext_lazy("where members come from", "Demo"),
}
# Where a yes or a no can come from besides.
ALSO: dict[str, str | Promise] = {
    "console": pgettext_lazy("where consents come from", "Back office"),
    "guardian": pgettext_lazy("where consents come from", "by a guardian"),
    "sms": pgettext_lazy("where consents come from", "Reply to a message"),
    "staff": pgettext_lazy("where consents come from", "Noted by staff"),
}
_MINI = "mini"  # log-ins of a mini-program name it: "mini:wx51…"


def said(source: str) -> str:
    """The door in words, what stood there as it is, where it has none."""
    door, _colon, place = source.partition(":")
    known = DOORS.get("wechat" if door == _MINI else door) or ALSO.get(door)
    return " · ".join(filter(None, (str(known), str(ALSO.get(place, place))))) if known else source
