"""What the tests of several stories begin with."""

from tests.flows.pairs import two

__all__ = ["two"]
