"""Behaviour events as people read them: what was done, and with which thing."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from apps.core import money

TITLES = {
    "page_viewed": gettext_lazy("Looked at a page"),
    "product_viewed": gettext_lazy("Looked at a product"),
    "added_to_cart": gettext_lazy("Put into the cart"),
    "removed_from_cart": gettext_lazy("Took out of the cart"),
    "checkout_started": gettext_lazy("Went to pay"),
    "favourited": gettext_lazy("Marked as a favourite"),
    "searched": gettext_lazy("Searched"),
    "shared": pgettext_lazy("what a member did", "Shared"),
    "scanned": pgettext_lazy("what a member did", "Scanned"),
    "store_entered": gettext_lazy("Came into a store"),
    "store_left": gettext_lazy("Left a store"),
    "device_signal": gettext_lazy("Noticed by a device"),
    "live_entered": gettext_lazy("Opened a live stream"),
    "live_watched": gettext_lazy("Watched a live stream"),
    "coupon_viewed": gettext_lazy("Looked at a coupon"),
    "message_opened": gettext_lazy("Opened a message"),
    "content_viewed": gettext_lazy("Read or watched something"),
    "code_opened": gettext_lazy("Opened a code"),
}
# What tells most about each event, in this order; sums and times are put into words.
_SAYS = (
    "query", "path", "sku", "category", "id", "coupon", "live", "message", "campaign", "code", "device", "signal",
    "store",
)  # fmt: skip


def title(name: str) -> str:
    """What an event is called; one of the brand's own by its name."""
    return str(TITLES.get(name) or _("Own event “%(name)s”") % {"name": name.removeprefix("custom.")})


def said(facts: dict[str, Any]) -> dict[str, str]:
    """Title and text of one entry of the member's timeline."""
    name, properties = facts["name"], facts["properties"]
    what = title(name)
    if name == "favourited" and properties.get("is_on") is False:
        what = _("Took a favourite off")
    known = [str(properties[key]) for key in _SAYS if properties.get(key) not in (None, "")]
    if name not in TITLES:
        known = [f"{key} {value}" for key, value in properties.items()][:4]
    for key in ("price_cents", "total_cents"):
        if isinstance(properties.get(key), int):
            known.append(money.show(properties[key]))
    if seconds := properties.get("seconds"):
        known.append(_spent(int(seconds)))
    if facts["is_stitched"]:
        known.append(_("before logging in"))
    return {"title": what, "text": " · ".join(known)}


def _spent(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(count)s second", "%(count)s seconds", seconds) % {"count": seconds}
    minutes = round(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
