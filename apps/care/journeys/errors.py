"""What journeys may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class NeverPublished(DomainError):
    code = "journey_not_published"
    title = _("This journey has never been published.")


class NotRunning(DomainError):
    code = "journey_not_running"
    is_retryable = True
    title = _("This journey is not running.")


class Stopped(DomainError):
    code = "journey_stopped"
    title = _("This journey was stopped for good. Copy it to run it again.")


class NotByHand(DomainError):
    code = "journey_not_by_hand"
    title = _("Members enter this journey by itself, not one by one.")


class TooLong(DomainError):
    code = "rehearsal_too_long"
    title = _("This takes too long to rehearse at once. Choose a shorter time.")
