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
    title = _("The file is empty. It needs a header line and at least one row.")


class FileIsExcel(FileRefused):
    code = "file_is_excel"
    title = _(
        "This Excel file is an old one (.xls), has a password or is packed. Save it as .xlsx without one, or as “CSV UTF-8”."
    )


class WorkbookBroken(FileRefused):
    code = "workbook_broken"
    title = _("The Excel workbook is damaged, or it is none. Open it in Excel, save it again as .xlsx and import that.")


class WorkbookTooLarge(FileRefused):
    code = "workbook_too_large"
    title = _("The Excel workbook unpacks to far more than it seems. Save the sheet as “CSV UTF-8” and import that.")


class FileTooLarge(FileRefused):
    code = "file_too_large"
    title = _("The file is larger than %(limit_mb)s MB. Split it and import the parts.")


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


class PictureTooLarge(DomainError):
    """Facts: `limit_pixels`, width times height, or `limit_bytes`."""

    code = "upload_too_large"
    status = 413
    title = _("This picture is larger than we take. Send a smaller one.")


class PictureRefused(DomainError):
    """Facts: `found`: heic, damaged or other."""

    code = "upload_type_refused"
    status = 415
    title = _("Only pictures in JPEG, PNG or WebP are taken. Save it as one of these and send it again.")


class DocumentRefused(DomainError):
    code = "upload_document_refused"
    status = 415
    title = _(
        "This PDF has a script, a form, a file in it, a password or packed parts, or is damaged. Print it as PDF and send that."
    )


class FileInfected(DomainError):
    code = "upload_infected"
    status = 422
    title = _("The scanner found something bad in this file. It was not kept.")


class ScannerSilent(DomainError):
    code = "upload_not_scanned"
    status = 503
    is_retryable = True
    title = _("The file could not be checked just now. Nothing was kept; try again in a moment.")


class Reason(NamedTuple):
    text: str | Promise
    cure: str | Promise


# Why a row is out before anybody looks at what it says.
REASONS = {
    "column_count": Reason(
        _("The row has more or fewer cells than the header."), _("Put texts that contain commas in quotation marks.")
    ),
    "nul_character": Reason(_("The row holds NUL characters."), _("Export the file again; this row is damaged.")),
    "value_missing": Reason(_("A required value is missing."), _("Fill in the cell.")),
    "formula_error": Reason(
        _("A formula in this row gives an error."), _("Correct the formula, or put the value in its place.")
    ),
    "digits_lost": Reason(
        _("Excel has cut a number of more than 15 digits in this row."),
        _("Format the column as text and enter the number anew; export the file again if a program wrote it."),
    ),
    "cell_too_long": Reason(_("The text is too long for this column."), _("Shorten the cell.")),
}
