"""Codes by the hundred thousand: made by a pattern, taken over from a partner's file, written to a file. Each is a job.

Codes take of the stock when they are made: what was printed can be claimed.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from psycopg.errors import UniqueViolation

from apps.core import audit, clock, jobs
from apps.core.errors import NotFound, ValidationFailed
from apps.core.files import rejects, staging
from apps.core.files.errors import REASONS, Reason
from apps.core.models import Job, User
from apps.coupons import codes, templates
from apps.coupons import terms as grammar
from apps.coupons.errors import CouponRefused
from apps.coupons.models import Batch, Stock

MAKE, TAKE, WRITE = "coupons.make_codes", "coupons.take_codes", "coupons.write_codes"
MOST, CHUNK = 1_000_000, 20_000
LAYOUT = staging.Layout(columns={"code": "code"}, required=["code"], keep="code")
WRONG = {
    "code_form": Reason(_("A code has 4 to 60 signs without spaces."), _("Correct it, or leave the row out.")),
    "code_twice": Reason(_("The code stands in the file more than once."), _("Nothing: it was taken once.")),
    "code_there": Reason(_("There is such a code already."), _("Ask the partner for another one.")),
}
_COLUMNS = "template_id, version_id, batch_id, state, code, channel, origin, issued_at, starts_at, ends_at"
COPY = f"copy coupons_coupon ({_COLUMNS}) from stdin"
_SPARE = f"""
insert into coupons_coupon ({_COLUMNS})
select %s, %s, %s, 'unclaimed', c, 'code', '', %s, %s, %s from unnest(%s::text[]) c on conflict (code) do nothing
"""
_SORT_OUT = """
insert into import_rejects (line, cell, code)
select line, 'code', case when code !~ '^[!-~]{4,60}$' then 'code_form'
                          when nth > 1 then 'code_twice' else 'code_there' end
  from (select line, trim(code) as code, row_number() over (partition by trim(code) order by line) as nth
          from import_cells where coalesce(problem, '') = '') c
 where code !~ '^[!-~]{4,60}$' or nth > 1 or exists (select from coupons_coupon o where o.code = c.code)
"""
_TAKE_OVER = f"""
insert into coupons_coupon ({_COLUMNS})
select %s, %s, %s, 'unclaimed', trim(code), 'code', '', %s, %s, %s from import_cells
 where coalesce(problem, '') = '' and line not in (select line from import_rejects) order by line on conflict (code) do nothing
"""


@transaction.atomic
def make(*, template_id: int, name: str, pattern: str, count: int, by: User | None = None) -> Batch:
    """Queue so many codes of the published terms. Raises ValidationFailed (pattern, count), CouponRefused (coupon_out_of_stock,
    coupon_not_found for a template that was never published), NotFound."""
    codes.check_pattern(pattern)
    if not 1 <= count <= MOST:
        message = _("From 1 to %(most)s codes at a time.") % {"most": f"{MOST:,}"}
        raise ValidationFailed(errors=[{"pointer": "/count", "code": "range", "message": str(message)}])
    made = _batch(template_id, name, by, pattern=pattern, wanted=count)
    stock = Stock.objects.get(pk=template_id)
    if stock.most is not None and stock.issued + count > stock.most:
        raise CouponRefused("coupon_out_of_stock")
    return _queued(made, MAKE, {})


@transaction.atomic
def take_over(*, template_id: int, name: str, path: Path, file_name: str = "", by: User | None = None) -> Batch:
    """Queue a partner's codes: a CSV or Excel file with the column `code`. What is wrong in it becomes the job's file."""
    made = _batch(template_id, name, by, pattern="", wanted=0)
    return _queued(made, TAKE, {"path": str(path), "file_name": file_name})


def write(*, batch_id: int, is_full: bool, by: User) -> Job:
    """Queue a CSV of a batch: code, state, when claimed. Whole codes are as good as coupons: the caller asks for the right."""
    if not Batch.objects.filter(pk=batch_id).exists():
        raise NotFound
    audit.record("coupon.codes_written", object_type="coupon_batch", object_id=batch_id, after={"is_full": is_full})
    return jobs.start(kind=WRITE, params={"batch_id": batch_id, "is_full": is_full}, user_id=by.pk)


@jobs.runner(MAKE)
def run_make(job: Job) -> dict[str, Any]:
    """In chunks, each committed with its count: begun again it goes on where it stood."""
    row = Batch.objects.select_related("version").get(pk=job.params["batch_id"])
    while row.made < row.wanted:
        with transaction.atomic():
            count = fill(row, min(CHUNK, row.wanted - row.made))
            row.made += count
            row.save(update_fields=["made"])
            _take_of_stock(row, count)
        jobs.report(job, done=row.made, total=row.wanted)
    return {"made": row.made}


@jobs.runner(TAKE)
def run_take(job: Job) -> dict[str, Any]:
    """All good rows in one statement, or none. Begun again after that: a no-op."""
    row = Batch.objects.select_related("version").get(pk=job.params["batch_id"])
    if row.made:
        return {"made": row.made}
    try:
        staged = staging.stage(
            Path(job.params["path"]), layout=LAYOUT, progress=lambda _b, _a, rows: jobs.report(job, done=0, total=rows)
        )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_SORT_OUT)
            cursor.execute(_TAKE_OVER, _fixed(row))
            row.made = row.wanted = cursor.rowcount
            row.save(update_fields=["made", "wanted"])
            _take_of_stock(row, row.made)
        bad = rejects.count()
        path = rejects.write(
            lambda: jobs.result_path(f"codes-{job.pk}-rejected.csv"), reasons=REASONS | WRONG, columns=LAYOUT.columns
        )
        Job.objects.filter(pk=job.pk).update(bad=bad, done=row.made, result_file=path.name if path else "")
        return {"made": row.made, "wrong": bad, "notices": staged.notices()}
    finally:
        staging.drop()


@jobs.runner(WRITE)
def run_write(job: Job) -> dict[str, Any]:
    row, is_full = Batch.objects.get(pk=job.params["batch_id"]), bool(job.params["is_full"])
    path, done = jobs.result_path(f"codes-{job.pk}.csv"), 0
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(["code", "state", "claimed_at"])
        for found in _pages(row.pk):
            for _id, code, state, at in found:
                text = codes.shown(code, row.pattern) if is_full else codes.masked(code)
                claimed = f"{clock.local(at):%Y-%m-%d %H:%M}" if at else ""
                out.writerow([rejects.harmless(text), state, claimed])
            done += len(found)
            jobs.report(job, done=done, total=max(done, row.made))
    Job.objects.filter(pk=job.pk).update(result_file=path.name)
    return {"codes": done, "is_full": is_full}


def fill(row: Batch, count: int) -> int:
    """Add so many codes, in the caller's transaction; by COPY. Where one exists already (it hardly ever does) that chunk goes in row
    by row, and fewer come out. Returns how many."""
    fresh = set(codes.generate(row.pattern, count))
    before, after = line(row, "\0").split("\0")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy(COPY) as copy:
                copy.write("".join([f"{before}{code}{after}" for code in fresh]))
            return len(fresh)
    except UniqueViolation:  # COPY is psycopg's own
        with connection.cursor() as cursor:
            cursor.execute(_SPARE, [*_fixed(row), list(fresh)])
            return cursor.rowcount


def line(row: Batch, code: str) -> str:
    """For COPY."""
    *head, moment, starts, ends = _fixed(row)
    said = [*head, "unclaimed", code, "code", "", moment, starts, ends]
    return "\t".join(r"\N" if value is None else str(value) for value in said) + "\n"


def _batch(template_id: int, name: str, by: User | None, **fields: Any) -> Batch:
    of = templates.locked(template_id)
    if of.version is None:
        raise CouponRefused("coupon_not_found")
    made = Batch(template=of, version=of.version, name=name, by=by, **fields)
    made.full_clean(exclude=["by", "job", "template", "version"])
    made.save()
    return made


def _queued(made: Batch, kind: str, params: dict[str, Any]) -> Batch:
    made.job = jobs.start(kind=kind, params=params | {"batch_id": made.pk}, user_id=made.by_id)
    made.save(update_fields=["job"])
    after = {"template": made.template_id, "wanted": made.wanted, "pattern": made.pattern}
    audit.record(kind, object_type="coupon_batch", object_id=made.pk, after=after)
    return made


def _fixed(row: Batch) -> list[Any]:
    """What all codes of a batch have in common. Days that count from the claim on are not known yet."""
    starts = ends = None
    if row.version.terms["valid"]["kind"] == "between":
        starts, ends = grammar.validity(row.version.terms, claimed_at=row.created_at)
    return [row.template_id, row.version_id, row.pk, row.created_at, starts, ends]


def _take_of_stock(row: Batch, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update coupons_stock set issued = issued + %s where template_id = %s and (most is null or issued + %s <= most)",
            [count, row.template_id, count],
        )
        if not cursor.rowcount:
            raise CouponRefused("coupon_out_of_stock")


def _pages(batch_id: int) -> Iterator[list[tuple[Any, ...]]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "select id, code, state, case when member_id is not null then issued_at end from coupons_coupon"
                " where batch_id = %s and id > %s order by id limit %s",
                [batch_id, after, CHUNK],
            )
            found = cursor.fetchall()
        if not found:
            return
        yield found
        after = found[-1][0]
