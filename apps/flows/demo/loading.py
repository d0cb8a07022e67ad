"""`load_demo` from an empty database to a shop in the middle of its life. A killed run leaves a mark; the next one starts clean."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext_lazy as _

from apps.analytics import coupon_days, rollup
from apps.analytics.study import refreshing
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.models import Heartbeat
from apps.flows.demo import (
    club,
    coupons,
    desk,
    earnings,
    exchanges,
    friends,
    goods,
    groups,
    help_articles,
    history,
    log_ins,
    mall,
    people,
    platform,
    price_list,
    replay,
    shops,
    shows,
    source,
    standings,
    state,
    tracks,
)
from apps.flows.demo.progress import Say, step
from apps.gateways.models import PlatformLimit
from apps.livestream.models import Platform
from apps.members.models import Member
from apps.orders.models import Order
from apps.points import tallying
from apps.points.models import Currency
from apps.segments import refresh as stats
from apps.segments.models import Prediction

CAME_WITH_MIGRATIONS = (Currency, PlatformLimit, Platform)
LOCK = 7_490_802  # held by the one command that loads
LOCK_WAIT = timedelta(
    seconds=3
)  # a command that was killed a moment ago still holds it until its server process notices
WORKER_GONE = timedelta(minutes=1)


class DemoRefused(DomainError):
    code = "demo_refused"
    title = _("The demo cannot be loaded here: %(reason)s")


@dataclass(frozen=True)
class Loaded:
    members: int
    orders: int
    is_new: bool


def load(*, households: int | None, with_replay: bool, say: Say) -> Loaded:
    """Load the demo, once. Raises DemoRefused where real data could be or where processes would get in the way."""
    if not log_ins.is_allowed():
        raise DemoRefused(reason=_("it brings fixed passwords, and these are production settings."))
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as guard:
        _lock(guard)
        is_new = state.read() != state.DONE
        if is_new:
            _make_room(say)
            state.write(state.LOADING)
            _fill(now=clock.now(), households=households, with_replay=with_replay, say=say)
            state.write(state.DONE)
    return Loaded(
        members=Member.objects.filter(source=state.SOURCE).count(),
        orders=Order.objects.filter(source=state.SOURCE).count(),
        is_new=is_new,
    )


def _lock(guard: psycopg.Connection) -> None:
    guard.execute("select set_config('lock_timeout', %s, false)", [f"{LOCK_WAIT // timedelta(milliseconds=1)}ms"])
    try:
        guard.execute("select pg_advisory_lock(%s)", [LOCK])
    except psycopg.errors.LockNotAvailable:
        raise DemoRefused(reason=_("another command is loading it.")) from None


def _fill(*, now: datetime, households: int | None, with_replay: bool, say: Say) -> None:
    with step("shopping data read", say=say) as counts:
        year = source.read(now=now, households=households)
        counts += [f"{len(year.baskets.basket):,} orders", f"{len(year.lines.product):,} lines"]
    with step("shops, staff and members", say=say) as counts:
        opened = shops.open_shops()
        members = people.join(year, opened)
        counts += [f"{len(opened.store_ids)} shops", f"{len(members):,} members"]
    with step("products", say=say) as counts:
        products = goods.stock(year)
        counts.append(f"{len(products[0]):,} products")
    ledger = history.prepare(year, shops=opened, members=members, products=products)
    edge = year.baskets.until(replay.first_moment(now) if with_replay else now)
    with step("orders before the replayed days" if with_replay else "orders", say=say) as counts:
        history.load_past(ledger, until=edge)
        counts.append(f"{edge:,} orders")
    if with_replay:
        with step("days replayed", say=say) as counts:
            figures = replay.run(ledger, done=edge, now=now, say=say)
            counts += [f"{number:,} {name.replace('_', ' ')}" for name, number in figures.items()]
    with step("lines of all orders", say=say) as counts:
        counts.append(f"{history.load_lines(ledger):,} lines")
    with step("stats of all members", say=say) as counts:
        counts.append(f"{stats.refresh(now, full=True).changed:,} changed")
    with ThreadPoolExecutor(1) as beside:  # the database has the other core meanwhile
        scored = beside.submit(copy_context().run, _predict, now)
        with step("tiers of all members", say=say) as counts:
            counts.append(f"{standings.bring(now=now).growth:,} members with growth")
        with step("points for the last 90 days", say=say) as counts:
            rewarded, given = earnings.earn(since=replay.first_moment(now), now=now, say=say)
            counts += [f"{rewarded:,} orders", f"{given:,} points"]
        with step("predictions, begun before the points", say=say) as counts:
            counts.append(f"{scored.result():,} members scored")
    with step("points mall", say=say) as counts:
        counts.append(f"{mall.fill(opened.store_ids, since=replay.first_moment(now)):,} gifts")
        counts.append(f"{exchanges.live(now=now):,} exchanges")
    with step("help articles", say=say) as counts:
        counts.append(f"{help_articles.write()} articles")
    with step("prices", say=say) as counts:
        listed, special = price_list.live(now=now)
        counts += [f"{listed:,} list prices", f"{special:,} special ones"]
    with step("coupons", say=say) as counts:
        issued, used = coupons.live(now=now)
        counts += [f"{issued:,} coupons", f"{used:,} used"]
    with step("segments and traits", say=say) as counts:
        made = groups.make()
        counts += [f"{made[0]} segments", f"{made[1]} traits"]
    with step("a life track and cards", say=say) as counts:
        families, shown = tracks.live(now=now)
        counts += [f"{families} families", f"{shown} cards"]
    with step("service desk", say=say) as counts:
        counts.append(f"{desk.live(now=now):,} tickets")
    if with_replay:
        with step("WeCom, friends, live weeks and bookings", say=say) as counts, platform.reachable():
            opened_up = club.open_up(now=now)
            counts.append(f"{opened_up.customers:,} customers in {len(opened_up.group_keys)} groups")
            counts.append(f"{friends.come(now=now)} friends")
            streams, booked = shows.go_on(opened_up, now=now)
            counts += [f"{streams} streams", f"{booked:,} bookings"]
    with step("figures of the dashboard", say=say) as counts:
        counts.append(f"{rollup.roll_up(moment=now).figures:,} rows")
        coupon_days.refresh(moment=now)
        counts.append(f"{refreshing.run(moment=now)['rows']:,} rows of studies")
        counts.append(f"{tallying.tally(moment=now).lines:,} lines of points")


def _predict(now: datetime) -> int:
    """Members scored. Runs in a thread of its own, whose connection ends with it."""
    try:
        call_command("fit_predictions", as_of=now, quiet=True)
        call_command("score_members", as_of=now, quiet=True)
        return Prediction.objects.count()
    finally:
        connection.close()


def _make_room(say: Say) -> None:
    """Only an empty database, or our own half-loaded demo, which is removed."""
    if Member.objects.exclude(source=state.SOURCE).exists():
        raise DemoRefused(reason=_("there are members already. The demo belongs in an installation of its own."))
    if Heartbeat.objects.filter(name="worker", at__gt=clock.now() - WORKER_GONE).exists():
        raise DemoRefused(reason=_("Siyu is running. Stop it with bin/stop first."))
    if state.read() == state.LOADING:
        say("  an earlier run was interrupted; it is removed")
        _empty()
    elif Member.objects.exists() or Order.objects.exists():
        raise DemoRefused(reason=_("there is data already. The demo belongs in an installation of its own."))


def _empty() -> None:
    """All that a killed run may have left half done; accounts and the audit trail (`core`) stay.

    Numbers go on, so that no key of a message is used twice.
    """
    ours = [app for app in apps.get_app_configs() if app.name.startswith("apps.") and app.label != "core"]
    tables = [
        model._meta.db_table
        for app in ours
        for model in app.get_models(include_auto_created=True)
        if model not in CAME_WITH_MIGRATIONS
    ]
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner:
        owner.execute(f"truncate {', '.join(tables)}")
