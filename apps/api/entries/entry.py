"""One entry, and cures that many share."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise
WAIT = _("Send the same request again after a pause.")
READ_AGAIN = _("Read the object again, decide, and send your change with the new ETag.")


@dataclass(frozen=True)
class Entry:
    code: str
    status: int
    is_retryable: bool
    cause: Words
    cure: Words
