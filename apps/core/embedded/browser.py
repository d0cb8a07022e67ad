"""Chromium for the browser tests: found, or installed from Debian's packages where we are root."""

import os
import shutil
import subprocess
import sys

from apps.core.embedded.say import Voice

# The same engine without windows comes first: of the whole browser, tests paid a third of the CPU for what nobody sees.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium-headless-shell", "fonts-noto-cjk")


def find(*, install: bool, voice: Voice) -> str | None:
    """The browser's path; None where there is none and none can be installed."""
    found = _path()
    if install and (not found or not _draws_chinese()) and os.geteuid() == 0 and shutil.which("apt-get"):
        with voice.step(f"Debian packages for the browser tests: {', '.join(PACKAGES)}"):
            _apt("update")
            _apt("install", "--yes", "--no-install-recommends", *PACKAGES)
        found = _path()
    return found


def _path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _draws_chinese() -> bool:
    if not shutil.which("fc-list"):
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=False).stdout.strip())


def _apt(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-q", *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    find(install=True, voice=Voice(sys.stdout))
