"""What group sends refuse by hand."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class SendSettled(DomainError):
    code = "group_send_settled"
    title = _("It was confirmed or called off already.")


class RemindedEnough(DomainError):
    code = "group_send_reminded"
    title = _("WeCom allows no further reminder within 24 hours.")


class WeComAway(DomainError):
    code = "wecom_away"
    status = 503
    title = _("WeCom does not answer. Try again in a minute.")
