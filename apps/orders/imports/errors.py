"""Why a file as a whole is refused (nothing is written then), and why single rows are."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class FileRefused(DomainError):
    status = 422


class FileMissing(FileRefused):
    code = "file_missing"
    title = _("The file cannot be read. Check its path and permissions.")


class FileEmpty(FileRefused):
    code = "file_empty"
    title = _("The file is empty. It needs a header line and at least one order.")


class FileIsExcel(FileRefused):
    code = "file_is_excel"
    title = _("This is an Excel workbook, not a CSV file. Save it in Excel as “CSV UTF-8” and import that.")


class FileTooLarge(FileRefused):
    code = "file_too_large"
    title = _("The file is larger than %(limit_mb)s MB. Split it by months and import the parts.")


class GzipBroken(FileRefused):
    code = "gzip_broken"
    title = _("The gzip file is cut off or damaged. Copy or upload it again. Nothing was imported.")


class EncodingUtf16(FileRefused):
    code = "encoding_utf16"
    title = _("The file is in UTF-16. Save it as “CSV UTF-8” and import that.")


class EncodingUnknown(FileRefused):
    code = "encoding_unknown"
    title = _("The file is neither UTF-8 nor GB18030 text, near line %(line)s. Save it as “CSV UTF-8” and import that.")


class QuoteNotClosed(FileRefused):
    code = "quote_not_closed"
    title = _("A quotation mark that opens near line %(line)s is never closed. Correct that line.")


class ColumnsMissing(FileRefused):
    code = "columns_missing"
    title = _("The header lacks %(missing)s. Found: %(found)s. Columns are separated by commas.")


class ColumnTwice(FileRefused):
    code = "column_twice"
    title = _("The column %(column)s stands in the header twice. Rename or remove one.")


class Reason(NamedTuple):
    text: str | Promise
    cure: str | Promise


REASONS = {
    "column_count": Reason(
        _("The row has more or fewer cells than the header."), _("Put texts that contain commas in quotation marks.")
    ),
    "nul_character": Reason(_("The row holds NUL characters."), _("Export the file again; this row is damaged.")),
    "value_missing": Reason(_("A required value is missing."), _("Fill in the cell.")),
    "cell_too_long": Reason(_("The text is too long for this column."), _("Shorten the cell.")),
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
    "order_incomplete": Reason(_("Another row of this order was rejected."), _("Correct that row; keep this one.")),
}
