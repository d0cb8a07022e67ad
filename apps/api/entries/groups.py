"""Codes of groups and their tasks."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import Entry

ENTRIES = (
    Entry("community_word_unknown", 404, False, _("No group goes by this word."), _("Let the member type it again.")),
    Entry("community_not_in_group", 409, False, _("The member is in none of the task's groups."), _("Show `codes` of the groups.")),
    Entry("community_task_over", 409, False, _("The task has not begun, is over or was ended."), _("Read the tasks anew.")),
    Entry(
        "community_nothing_handed_in",
        422,
        False,
        _("The task asks for something handed in, and `note` is empty."),
        _("Ask for `note`."),
    ),
)  # fmt: skip
