"""Long work: one worker at a time, progress that never falls, pause and stop obeyed, a lost worker's job taken up again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import translation

from apps.core import clock, jobs
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import Job

State, Wish = Job.State, Job.Wish


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """A kind of job of our own; put the function to run under "do"."""
    given: dict = {"do": lambda job: {}}
    monkeypatch.setitem(jobs.RUNNERS, "test.work", lambda job: given["do"](job))
    return given


def queued() -> Job:
    return Job.objects.create(kind="test.work")


@pytest.mark.django_db
def test_a_job_runs_to_its_result(work):
    def three_chunks(job: Job) -> dict:
        for chunk in (1, 2, 3):
            jobs.report(job, done=chunk * 10, total=30, bad=chunk - 1)
        return {"rows": 30}

    work["do"] = three_chunks
    job = jobs.start(kind="test.work", params={"path": "x"}, user_id=None)
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.total, job.bad, job.result) == (State.DONE, 30, 30, 2, {"rows": 30})
    assert job.finished_at >= job.started_at


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "word"), [("en", "Done"), ("zh-hans", "完成")])
def test_a_job_works_in_the_language_of_whoever_started_it(work, language: str, word: str):
    def refuse(job: Job) -> dict:
        job.params["said"] = str(State.DONE.label)
        job.save(update_fields=["params"])
        raise NotFound

    work["do"] = refuse
    with translation.override(language):
        job, wanted = jobs.start(kind="test.work", params={}, user_id=None), str(NotFound())
    with translation.override("zh-hans" if language == "en" else "en"):  # whatever the worker spoke last
        jobs.run(job_id=job.pk)
        assert translation.get_language() != language

    job.refresh_from_db()
    assert (job.params["said"], job.error) == (word, wanted)


@pytest.mark.django_db
def test_an_unknown_kind_is_refused_and_nothing_is_queued():
    with pytest.raises(NotFound):
        jobs.start(kind="test.unheard", params={}, user_id=None)

    assert Job.objects.count() == 0


@pytest.mark.django_db
def test_progress_never_goes_back(work):
    def worse(job: Job) -> dict:
        jobs.report(job, done=20)
        jobs.report(job, done=5)
        return {}

    work["do"] = worse
    job = queued()
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert job.done == 20


@pytest.mark.django_db
@pytest.mark.parametrize(("wish", "state"), [(Wish.PAUSE, State.PAUSED), (Wish.STOP, State.STOPPED)])
def test_the_owner_is_obeyed_between_chunks(work, wish, state):
    def long(job: Job) -> dict:
        jobs.report(job, done=1)
        jobs.wish(job_id=job.pk, wish=wish)
        jobs.report(job, done=2)
        raise AssertionError("it went on")

    work["do"] = long
    job = queued()
    jobs.run(job_id=job.pk)

    job.refresh_from_db()
    assert (job.state, job.done, job.error_code) == (state, 2, "")


@pytest.mark.django_db
def test_a_paused_job_goes_on_when_asked_and_a_stopped_one_does_not(work):
    paused = queued()
    jobs.wish(job_id=paused.pk, wish=Wish.PAUSE)
    stopped = queued()
    jobs.wish(job_id=stopped.pk, wish=Wish.STOP)

    assert jobs.wish(job_id=paused.pk, wish=Wish.NONE).state == State.QUEUED
    assert jobs.wish(job_id=stopped.pk, wish=Wish.NONE).state == State.STOPPED
    for job in (paused, stopped):
        jobs.run(job_id=job.pk)
    assert Job.objects.get(pk=paused.pk).state == State.DONE
    assert Job.objects.get(pk=stopped.pk).state == State.STOPPED


@pytest.mark.django_db
def test_a_refusal_keeps_its_code_and_an_accident_tells_no_details(work):
    def refuse(job: Job) -> dict:
        raise ValidationFailed(errors=[])

    def break_down(job: Job) -> dict:
        raise RuntimeError("13912345678 was in the row")

    outcomes = []
    for do in (refuse, break_down):
        work["do"] = do
        job = queued()
        jobs.run(job_id=job.pk)
        job.refresh_from_db()
        outcomes.append((job.state, job.error_code, "139" in job.error))

    assert outcomes == [(State.FAILED, "validation_failed", False), (State.FAILED, "server_error", False)]


@pytest.mark.django_db
def test_a_job_whose_worker_was_lost_is_queued_again_and_a_living_one_is_not(work):
    moment = clock.now()
    lost = Job.objects.create(kind="test.work", state=State.RUNNING, heartbeat_at=moment - timedelta(minutes=4))
    alive = Job.objects.create(kind="test.work", state=State.RUNNING, heartbeat_at=moment - timedelta(minutes=1))

    assert jobs.rescue() == 1
    jobs.run(job_id=lost.pk)

    assert Job.objects.get(pk=lost.pk).state == State.DONE
    assert Job.objects.get(pk=alive.pk).state == State.RUNNING


@pytest.mark.django_db(transaction=True)
def test_ten_workers_woken_for_one_job_run_it_once(work):
    runs = []
    work["do"] = lambda job: runs.append(job.pk) or {}
    job = queued()

    def wake(_: int) -> None:
        try:
            jobs.run(job_id=job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(wake, range(10)))

    assert runs == [job.pk]
    assert Job.objects.get().state == State.DONE


def test_a_result_file_stays_in_its_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    assert jobs.result_path("rejects-7.csv") == tmp_path / "jobs" / "rejects-7.csv"
    assert jobs.result_path("../../etc/passwd") == tmp_path / "jobs" / "passwd"
