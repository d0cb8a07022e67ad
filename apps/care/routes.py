"""The chain of channels of a version: its own first, then its fallbacks, each with a text of its own.

A message goes on along the chain only when it certainly did not and will not go out where it is: no consent or no address there,
or the provider refused it. Never from `unknown`.
"""

from copy import copy
from typing import NamedTuple

from apps.care import reasons
from apps.care.models import Version

PASSED_ON = (reasons.NO_CONSENT, reasons.NO_ADDRESS, reasons.NO_GRANT, reasons.SUPPRESSED)
# Of the provider's refusals: those that say something about this channel and this person, not about the message or the day.
REFUSED_HERE = frozenset(
    {
        "43101",
        "ADDRESS_INVALID",
        "BLACKLIST",
        "CONTENT_TOO_LONG",
        "NUMBER_INVALID",
        "TEMPLATE_MISMATCH",
        reasons.WECOM_NO_STAFF,
        reasons.WECOM_QUOTA,
        reasons.FIELD_UNFIT,
        reasons.GAVE_UP,
        reasons.NO_GRANT,
    }
)
MOST = 2  # fallbacks of one version


class Route(NamedTuple):
    """A place in the chain; `version` reads as if this channel and text were its own."""

    number: int
    version: Version


def of(version: Version) -> list[Route]:
    return [Route(0, version), *(Route(n, _at(version, step)) for n, step in enumerate(version.fallback, start=1))]


def on(version: Version, *, channel: str) -> Version:
    """The version as it stands on that channel."""
    return next((route.version for route in of(version) if route.version.channel == channel), version)


def after(version: Version, *, channel: str) -> str:
    """The channel behind this one in the chain; "" at its end."""
    chain = [route.version.channel for route in of(version)]
    place = chain.index(channel) + 1 if channel in chain else len(chain)
    return chain[place] if place < len(chain) else ""


def _at(version: Version, step: dict[str, str]) -> Version:
    own = copy(version)
    own.channel, own.template, own.content = step["channel"], step["template"], step.get("content", {})
    return own
