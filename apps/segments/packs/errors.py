"""Why a pack is not made or not handed out."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class PackTooSmall(DomainError):
    """`members`, and `least` of PACK_LEAST_MEMBERS."""

    code = "pack_too_small"
    status = 422
    title = _("Too few members allow it: %(members)s, and a pack needs %(least)s, so that it points at nobody.")


class PackOutdated(DomainError):
    """`members`: who took their word back since the pack was made."""

    code = "pack_outdated"
    status = 409
    title = _("Since the pack was made members have taken their consent back: %(members)s. Make it anew.")
