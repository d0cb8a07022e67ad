"""Where a page may send the member next."""

from django.utils.http import url_has_allowed_host_and_scheme

from apps.portal import sessions


def inside(address: str) -> str:
    """The address if it is one of the member's pages, else empty: nobody is led out of the house by a link."""
    is_ours = address.startswith(sessions.PREFIX) and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_ours and ".." not in address else ""
