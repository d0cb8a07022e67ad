"""The language of rules: who is meant, as data. `compiled` makes one SQL condition of a rule; docs/segments.md."""

from apps.segments.language.compiling import Compiled, Known, Leaf, compiled, is_profiling
from apps.segments.language.errors import TEXTS, BadRule
from apps.segments.language.fields import FIELDS

__all__ = ["FIELDS", "TEXTS", "BadRule", "Compiled", "Known", "Leaf", "compiled", "is_profiling"]
