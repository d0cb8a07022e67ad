"""Imported by a real worker of a test: a step and a text that end its process over one member."""

import os
import signal
import sys
from typing import Any

from apps.care import dispatch
from apps.care.journeys import acts
from apps.members.models import Member

NAME = "毒"
_composed = dispatch.templates.composed


def _step(step: Any, walkers: Any, moves: Any) -> None:
    ill = set(Member.objects.filter(nickname=NAME).values_list("pk", flat=True))
    for walker in walkers:
        if walker.member_id in ill:
            os.kill(os.getpid(), signal.SIGKILL)
        moves.add(walker, "done", step.node.next, walker.due_at)


def _text(text: str, **more: Any) -> str:
    if NAME in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return _composed(text, **more)


def poisoned() -> None:
    acts.ACTS["followup"] = _step
    dispatch.templates.composed = _text


if "celery" in sys.argv[0] or ("-m" in sys.orig_argv and "celery" in sys.orig_argv):
    poisoned()
