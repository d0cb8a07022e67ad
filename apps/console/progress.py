"""Long work as a person watches it: how far, how fast, how long still."""

from dataclasses import dataclass
from datetime import datetime

from apps.core.models import Job

LIVE = {Job.State.QUEUED, Job.State.RUNNING}
WISHES = {"pause": Job.Wish.PAUSE, "stop": Job.Wish.STOP, "go-on": Job.Wish.NONE}  # words of the addresses


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`per_second` and `seconds_left` are None until two seconds of work allow an estimate, and after the end."""

    state: str
    state_label: str
    done: int
    total: int | None
    bad: int
    per_second: int | None
    seconds_left: int | None

    @property
    def good(self) -> int:
        return max(0, self.done - self.bad)

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_over(self) -> bool:
        return self.state in {Job.State.DONE, Job.State.FAILED, Job.State.STOPPED}

    @property
    def share(self) -> str:
        """Width of the done part, bad rows included, as SVG reads it."""
        return f"{min(100.0, 100 * self.done / self.total):.1f}%" if self.total else "0%"

    @property
    def bad_share(self) -> str:
        """Width of the striped tail: at least one percent when a single row is bad."""
        return f"{max(1.0, min(100.0, 100 * self.bad / self.total)):.1f}%" if self.total and self.bad else "0%"

    @property
    def bad_start(self) -> str:
        return f"{max(0.0, float(self.share[:-1]) - float(self.bad_share[:-1])):.1f}%"


def of(job: Job, *, moment: datetime) -> Progress:
    """The job's progress at that moment; speed is the mean since it started."""
    seconds = (moment - job.started_at).total_seconds() if job.started_at else 0.0
    running = job.state == Job.State.RUNNING and seconds >= 2 and job.done > 0
    speed = job.done / seconds if running else None
    left = (job.total - job.done) / speed if speed and job.total and job.total > job.done else None
    return Progress(
        state=job.state,
        state_label=str(Job.State(job.state).label),
        done=job.done,
        total=job.total,
        bad=job.bad,
        per_second=None if speed is None else max(1, round(speed)),
        seconds_left=None if left is None else max(1, round(left)),
    )
