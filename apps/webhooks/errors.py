"""What the rules of webhooks refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class EndpointOff(DomainError):
    code = "webhook_endpoint_off"
    title = _("This endpoint is switched off. Switch it on first; nothing was changed.")


class TooManyEndpoints(DomainError):
    """Each has lines of its own for its calls; that is what keeps a slow one to itself."""

    code = "webhook_endpoints_most"
    title = _("There are %(most)s endpoints already. Remove one first.")
