"""What a member calls the thing in their hand: "iPhone · WeChat"."""

from django.http import HttpRequest

_DEVICES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("Windows", "Windows"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_PROGRAMS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def is_wechat(request: HttpRequest) -> bool:
    """WeChat's own browser: it saves no files."""
    return "MicroMessenger" in request.headers.get("User-Agent", "")


def label(request: HttpRequest) -> str:
    """For the list of log-ins; at most two words, empty for what we do not know. The full line is not kept."""
    line = request.headers.get("User-Agent", "")
    found = [next((name for mark, name in marks if mark in line), "") for marks in (_DEVICES, _PROGRAMS)]
    return " · ".join(filter(None, found))
