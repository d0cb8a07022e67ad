"""What the rules of tasks refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class TaskSettled(DomainError):
    code = "followup_settled"
    title = _("This task is settled already. Nothing was changed.")


class TaskTaken(DomainError):
    """Somebody else has it: they or their manager act on it."""

    code = "followup_taken"
    title = _("%(name)s has this task. Ask them, or the store's manager, to hand it over.")


class WrongAssignee(DomainError):
    """Gone, or of another store than the task."""

    code = "followup_wrong_assignee"
    status = 422
    title = _("Only somebody who works in the store of the task can have it.")


class OutcomeMissing(DomainError):
    code = "followup_outcome_missing"
    status = 422
    title = _("Say what came of it.")


class WrongDay(DomainError):
    code = "followup_wrong_day"
    status = 422
    title = _("Choose a day from today on, at most a year ahead.")
