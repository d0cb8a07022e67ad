"""Finds a Python that is new enough. Written so that any Python 3 can read this file."""

import os
import shutil
import sys

OLDEST = (3, 11)
CANDIDATES = ("python3.11", "python3.12", "python3.13", "python3.14")


def require() -> None:
    """Return under Python 3.11 or newer; otherwise run the same command again with one, or end with a sentence."""
    if sys.version_info[:2] >= OLDEST:
        return
    for name in CANDIDATES:
        found = shutil.which(name)
        # A version manager's stub may stand in the path and still refuse to run.
        if found and os.spawnl(os.P_WAIT, found, found, "-c", "import venv") == 0:
            os.execv(found, [found] + sys.argv)  # noqa: RUF005 - old Pythons read this file too
    sys.exit(
        "Siyu needs Python 3.11 or newer. This is Python "
        + ".".join(map(str, sys.version_info[:2]))
        + " and no newer one was found; looked for "
        + ", ".join(CANDIDATES)
        + "."
    )
