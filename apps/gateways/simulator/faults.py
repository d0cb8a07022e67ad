"""Faults on demand: what a bad day at the platform looks like, repeatable by seed."""

import random
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Plan:
    """Shares of calls (0 to 1) that go wrong, for the next `for_calls` calls (None: until changed).

    `p429`, `p5xx` and `busy` (WeChat's -1) answer before anything is accepted; `p5xx_after`, `drop_reply`, `malformed` and `wrong_code`
    spoil the answer after the messages were accepted. `delay_ms` holds every answer back.
    """

    seed: int | None = None
    drop_reply: float = 0.0
    delay_ms: tuple[float, float] = (0.0, 0.0)
    p429: float = 0.0
    retry_after: float | None = 1
    p5xx: float = 0.0
    busy: float = 0.0
    p5xx_after: float = 0.0
    malformed: float = 0.0
    wrong_code: float = 0.0
    for_calls: int | None = None
    paths: tuple[str, ...] = ("/sms/send",)


NAMES = frozenset(field.name for field in fields(Plan))
BEFORE = ("p429", "p5xx", "busy")
AFTER = ("drop_reply", "p5xx_after", "malformed", "wrong_code")


@dataclass(frozen=True, slots=True)
class Roll:
    """What happens to one call: at most one fault before and one after acceptance, and the delay in seconds."""

    before: str = ""
    after: str = ""
    delay: float = 0.0


NOTHING = Roll()


class Faults:
    """Rolls the dice once per call. The same seed and the same order of calls give the same faults."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self.set(Plan())

    def set(self, plan: Plan) -> None:
        self.plan = plan
        self._dice = random.Random(self._seed if plan.seed is None else plan.seed)  # noqa: S311 - repeatable on purpose
        self._left = plan.for_calls

    def roll(self, path: str) -> Roll:
        plan = self.plan
        if path not in plan.paths or self._left == 0:
            return NOTHING
        if self._left is not None:
            self._left -= 1
        low, high = plan.delay_ms
        return Roll(before=self._one(BEFORE), after=self._one(AFTER), delay=self._dice.uniform(low, high) / 1000)

    def _one(self, names: tuple[str, ...]) -> str:
        """One draw against the shares laid end to end, so that each fault keeps its own share."""
        draw = self._dice.random()
        for name in names:
            draw -= getattr(self.plan, name)
            if draw < 0:
                return name
        return ""
