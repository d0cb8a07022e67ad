"""What the checks of data quality are called, and where each is mended."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

TITLES = {
    "no_phone": _("Without a phone"),
    "no_nickname": _("Without a nickname"),
    "no_birthday": _("Without a birthday"),
    "no_consent": _("Without any consent"),
    "no_store": _("Without a home store"),
    "birthday_impossible": _("Birthday in the future, or over 110 years ago"),
    "order_before_joining": _("First order before joining"),
    "tags_exclude": _("Two tags of an exclusive group"),
    "not_seen": _("No order for 180 days"),
}
KINDS = {
    "gap": pgettext_lazy("data quality", "Gaps"),
    "contradiction": pgettext_lazy("data quality", "Contradictions"),
    "freshness": pgettext_lazy("data quality", "Freshness"),
}


class Mend(NamedTuple):
    """`url_name` may be missing or not allowed: then no link is shown."""

    text: object
    url_name: str
    permission: str


MENDS = {
    "no_phone": Mend(_("Import phones"), "console:member_imports", "members.import"),
    "no_nickname": Mend(_("Import nicknames"), "console:member_imports", "members.import"),
    "no_birthday": Mend(_("Import birthdays"), "console:member_imports", "members.import"),
    "no_consent": Mend(_("Import consents with their proof"), "console:member_imports", "members.import"),
    "no_store": Mend(_("Import home stores"), "console:member_imports", "members.import"),
    "birthday_impossible": Mend(_("Import birthdays"), "console:member_imports", "members.import"),
    "order_before_joining": Mend(_("Import joining dates"), "console:member_imports", "members.import"),
    "tags_exclude": Mend(_("Open the tag groups"), "console:tags", "tags.manage"),
    "not_seen": Mend(_("Open the care policies"), "console:policies", "policies.view"),
}
