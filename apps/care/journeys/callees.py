"""Whom a step may call. Endpoints live in an app beside this one: the floor above brings both answers (`flows/journey_called.py`)."""

from collections.abc import Callable, Mapping

Names = Callable[[], Mapping[str, str]]
WhyNot = Callable[[str], str]


def _nobody() -> Mapping[str, str]:
    return {}


def _gone(key: str) -> str:
    return "endpoint_gone"


_asked: tuple[Names, WhyNot] = (_nobody, _gone)


def bring(*, names: Names, why_not: WhyNot) -> None:
    """`names`: key and name of those that are called now; `why_not`: "" for such a key, else the outcome of the step."""
    global _asked
    _asked = (names, why_not)


def names() -> Mapping[str, str]:
    return _asked[0]()


def why_not(key: str) -> str:
    return _asked[1](key)
