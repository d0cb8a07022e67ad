"""Why single rows of an order file are refused."""

from django.utils.translation import gettext_lazy as _

from apps.core.files.errors import REASONS as OF_ANY_FILE
from apps.core.files.errors import Reason

REASONS = {
    **OF_ANY_FILE,
    "time_unreadable": Reason(
        _("This is not a date and time that we can read."), _("Write it like 2026-11-22 10:32:05.")
    ),
    "time_ambiguous": Reason(
        _("Day and month cannot be told apart in this file."), _("Write it like 2026-11-22 10:32:05.")
    ),
    "time_out_of_range": Reason(_("The time lies before 2000 or in the future."), _("Check the date.")),
    "refund_before_payment": Reason(_("The refund lies before the payment."), _("Check both times.")),
    "amount_unreadable": Reason(_("This is not an amount."), _("Write yuan like 128.50.")),
    "amount_decimals": Reason(_("The amount has more than two decimals."), _("Round it to 0.01 yuan.")),
    "amount_negative": Reason(
        _("The amount is negative."), _("For a refund, fill in refunded_at in the row of the order.")
    ),
    "quantity_unreadable": Reason(
        _("The quantity is not a number above zero with at most three decimals."), _("Write it like 1 or 0.5.")
    ),
    "order_rows_disagree": Reason(
        _("The rows of this order say different things in this column."),
        _("Repeat member, time, total, store, channel, staff, phone and refund in every row of an order."),
    ),
    "line_total_missing": Reason(
        _("An order with several rows needs the amount of each row."), _("Fill in line_total in every row.")
    ),
    "order_too_long": Reason(
        _("An order has at most 10,000 rows."), _("Check that the column order_no really holds order numbers.")
    ),
    "order_number_reused": Reason(
        _("This order number is known with another member, total or payment time."),
        _("Correct the row, or import the file under another source name."),
    ),
    "member_left": Reason(
        _("The person with this number has left and was erased."),
        _("Take the order out, or book it under a number that is nobody's."),
    ),
    "order_incomplete": Reason(_("Another row of this order was rejected."), _("Correct that row; keep this one.")),
}
