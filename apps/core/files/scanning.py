"""The place for a malware scanner of the house: `UPLOAD_SCANNER`, a command that reads a file from its input.

It ends with 0 for a clean file and 1 for a bad one, as `clamdscan -` does. Anything else, also silence, is no clean bill: the
file is refused for now, and nothing is kept.
"""

import subprocess

import structlog
from django.conf import settings

from apps.core.files.errors import FileInfected, ScannerSilent

log = structlog.get_logger("siyu.files")


def check(content: bytes) -> None:
    """As it was sent. Raises FileInfected, ScannerSilent. Without a scanner it passes."""
    if not settings.UPLOAD_SCANNER:
        return
    try:
        done = subprocess.run(  # noqa: S603  # the house's own setting
            settings.UPLOAD_SCANNER, input=content, capture_output=True, timeout=settings.UPLOAD_SCANNER_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as trouble:
        log.warning("scanner does not answer", error=type(trouble).__name__)
        raise ScannerSilent from None
    if done.returncode == 1:
        log.warning("scanner refused a file")
        raise FileInfected
    if done.returncode:
        log.warning("scanner failed", code=done.returncode)
        raise ScannerSilent
