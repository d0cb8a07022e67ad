"""Arguments of commands that name some of a few things, or none, which means all of them."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Collection


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """The `type` of such an argument: with `choices` Python 3.11 refuses that none is given."""

    def known(text: str) -> str:
        if text not in names:
            raise ArgumentTypeError(f"{text!r} is none of {', '.join(names)}")
        return text

    return known
