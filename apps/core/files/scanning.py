"""The place for a malware scanner of the house: `UPLOAD_SCANNER`, a command that reads a file from its input.

It ends with 0 for a clean file and 1 for a bad one, as `clamdscan -` does. Anything else, also silence, is no clean bill: the
file is refused for now, and nothing is kept.
"""

import subprocess
from collections.abc import Sequence

import structlog
from django.conf import settings

from apps.core.files.errors import FileInfected, ScannerSilent

log = structlog.get_logger("siyu.files")


def check(content: bytes) -> None:
    """As it was sent. Raises FileInfected, ScannerSilent. Without a scanner it passes."""
    if settings.UPLOAD_SCANNER and is_bad(settings.UPLOAD_SCANNER, content, seconds=settings.UPLOAD_SCANNER_SECONDS):
        raise FileInfected


def is_bad(command: Sequence[str], content: bytes, *, seconds: float) -> bool:
    """What a command of the house's own settings says of a content. Raises ScannerSilent."""
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=seconds)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as trouble:
        log.warning("scanner does not answer", error=type(trouble).__name__)
        raise ScannerSilent from None
    if done.returncode > 1 or done.returncode < 0:
        log.warning("scanner failed", code=done.returncode)
        raise ScannerSilent
    if done.returncode:
        log.warning("scanner refused", command=command[0])
    return bool(done.returncode)
