"""Why a file for a list, or a row of it, is refused."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError
from apps.core.files.errors import REASONS as OF_ANY_FILE
from apps.core.files.errors import FileRefused, Reason


class NoKey(FileRefused):
    code = "key_missing"
    title = _("The header has neither member_no nor phone nor email, so nobody can be found by it. Add one of them.")


class NobodyFound(FileRefused):
    code = "nobody_found"
    title = _(
        "No row of the file names a member, so the list was not replaced. Look at the column's name and at the numbers."
    )


class NothingToUndo(DomainError):
    code = "nothing_to_undo"
    status = 409
    title = _("There is no upload that could be undone.")


REASONS = {
    **OF_ANY_FILE,
    "key_missing": Reason(
        _("The row has neither a member number nor a phone nor an e-mail address."), _("Fill in one of them.")
    ),
    "member_unknown": Reason(
        _("Nobody here has this number, phone or address."), _("Correct it, or import the members first.")
    ),
    "phone_invalid": Reason(_("This is not a mobile number that exists."), _("Correct the number.")),
    "email_invalid": Reason(_("This is not an e-mail address."), _("Correct the address.")),
    "keys_differ": Reason(_("The cells of this row name two different members."), _("Leave the one that is right.")),
    "row_repeated": Reason(
        _("An earlier row of this file is about the same member."), _("Nothing to do: each member counts once.")
    ),
    "member_left": Reason(_("This member has left."), _("Take the row out.")),
    "member_not_active": Reason(
        _("This member is frozen or blocked."), _("Take the row out, or upload it again once the member is active.")
    ),
}
