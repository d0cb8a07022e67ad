"""The sandbox: an installation of invented people, where programs are tried out with keys and phones of their own.

It is open only where `API_SANDBOX` says so *and* no message can leave the house: both providers must be the simulator.
"""

from django.conf import settings

CODE = "246810"
_PHONES = "+86170000090"  # +86 170 0000 9000 to 9099


def is_open() -> bool:
    """Asked at every use: an installation that is given a real provider has no sandbox from then on."""
    return bool(settings.API_SANDBOX) and settings.SMS_PROVIDER == settings.WECHAT_PROVIDER == "simulator"


def is_magic(phone: str) -> bool:
    """Whether this number (E.164) is one of the sandbox's own, here and now."""
    return is_open() and phone.startswith(_PHONES) and len(phone) == len(_PHONES) + 2
