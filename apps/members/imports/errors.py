"""Why a file of members, or a row of it, is refused."""

from django.utils.translation import gettext_lazy as _

from apps.core.files.errors import REASONS as OF_ANY_FILE
from apps.core.files.errors import FileRefused, Reason


class NoKey(FileRefused):
    code = "key_missing"
    title = _("The header has neither member_no nor phone, so nobody can be found by it. Add one of the two.")


REASONS = {
    **OF_ANY_FILE,
    "key_missing": Reason(_("The row has neither a member number nor a phone."), _("Fill in one of the two.")),
    "member_unknown": Reason(
        _("Nobody here has this number or phone."), _("Import the members first, or correct the number.")
    ),
    "phone_invalid": Reason(_("This is not a mobile number that exists."), _("Correct the number, or leave the cell empty.")),
    "phone_taken": Reason(
        _("Another member has this phone."),
        _("Leave member_no empty to change the member who has the phone, or correct the phone."),
    ),
    "row_repeated": Reason(
        _("An earlier row of this file is about the same member."), _("Put what both rows say into one row.")
    ),
    "gender_unreadable": Reason(_("This is not a gender that we can read."), _("Write f or m, 女 or 男, or leave it empty.")),
    "day_unreadable": Reason(_("This is not a day that we can read."), _("Write it like 2026-11-22, a birthday also like 11-22.")),
    "day_impossible": Reason(_("This day cannot be."), _("Check the year, the month and the day.")),
    "store_unknown": Reason(_("No store has this code."), _("Add the store first, or correct the code.")),
    "tag_unusable": Reason(_("A tag has more than 40 characters, or there are more than 50."), _("Shorten the list.")),
    "tags_exclude": Reason(_("Two of the tags exclude each other."), _("Leave one of them.")),
    "consent_unreadable": Reason(
        _("This is not a statement that we can read."), _("Write yes or no and the day: yes 2026-11-22.")
    ),
    "field_unusable": Reason(_("The value does not fit the type of the field."), _("See the field's type on the page Member fields.")),
    "number_unreadable": Reason(_("This is not a whole number of 0 or more."), _("Write it like 1280.")),
    "coupons_unreadable": Reason(
        _("This is not a list of coupons."), _("Write name:count, several with a semicolon: welcome:1; birthday:2.")
    ),
    "opening_differs": Reason(
        _("Another opening value of this member came from the same source before."),
        _("Import under another --source, or correct the value where it is kept now."),
    ),
    "member_left": Reason(_("This member has left."), _("Take the row out.")),
    "person_left": Reason(
        _("The person with this phone or number has left and was erased."),
        _("Take the row out. They can register again themselves; a file may then name them by their new number."),
    ),
}  # fmt: skip
