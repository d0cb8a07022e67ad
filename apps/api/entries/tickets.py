"""After-sales, and what a scanner says of files."""

from django.utils.translation import gettext_lazy as _

from apps.api.entries.entry import WAIT, Entry

_LOOK = _("Read the request again; `moves` says what is possible now.")
_ASK = _("Ask `ticket-choices` of the order beforehand and show the words.")
ENTRIES: tuple[Entry, ...] = (
    Entry("ticket_move_refused", 409, False, _("The request is in another state by now."), _LOOK),
    Entry("ticket_reopen_over", 409, False, _("It ended more than seven days ago."), _("Open a new one.")),
    Entry("ticket_line_open", 409, False, _("An open request is about this line already."), _("Show that request.")),
    Entry("ticket_window_over", 409, False, _("The days for this are over; `days` says how many there were."), _ASK),
    Entry("ticket_not_received", 409, False, _("The goods have not come, or are not paid."), _ASK),
    Entry("ticket_wrong_quantity", 422, False, _("More pieces than the line has."), _("Offer what was bought.")),
    Entry("ticket_vote_over", 409, False, _("It is not done, or was done more than 30 days ago."), _LOOK),
    Entry(
        "refund_exceeds", 409, False, _("Nothing, or less than that, is left of the line."), _("Read the order again.")
    ),
    Entry("order_not_open", 409, False, _("The order is not paid, or cancelled."), _("Read the order again.")),
    Entry("member_stories_behind", 409, True, _("Something else of the member is still being worked on."), WAIT),
    Entry(
        "upload_infected", 422, False, _("The house's scanner found something in the file."), _("Take another file.")
    ),
    Entry(
        "content_refused",
        422,
        False,
        _("The check of what members write found words that may not be published; `errors` says in which field."),
        _("Let the member write it differently."),
    ),
    Entry("upload_not_scanned", 503, True, _("The house's scanner does not answer."), WAIT),
)
