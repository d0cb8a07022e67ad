"""`bin/manage run_care [--as-of T] [--dry-run] [--json]`: one round of care by hand."""

import json
from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from apps.care import reasons, selectors, services
from apps.care.management import moments
from apps.care.planning import Plan
from apps.core import clock


class Command(BaseCommand):
    help = "Refresh the stats, decide who gets which message, and send what is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of", help="ISO 8601 moment or date (its last moment), shop time unless it has an offset"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="decide the same, then undo everything; nothing is sent"
        )
        parser.add_argument("--json", action="store_true", help="print counts and every decision as one JSON document")

    def handle(self, *args: object, **options: Any) -> None:
        moment = moments.moment(options["as_of"]) if options["as_of"] else clock.now()
        watch = self._json(dry_run=options["dry_run"]) if options["json"] else self._text(dry_run=options["dry_run"])
        sent: Counter[str] = Counter()
        with clock.frozen(moment) if options["as_of"] else nullcontext():
            if options["dry_run"]:
                services.rehearse(moment=moment, watch=watch)
            else:
                _plan, sent = services.run(moment=moment, watch=watch)
        if options["json"]:
            self.stdout.write(f'], "sent": {json.dumps(dict(sent))}}}')
        elif not options["dry_run"]:
            self.stdout.write(_("Sent: %(figures)s") % {"figures": _listed(sent)})

    def _json(self, *, dry_run: bool) -> services.Watcher:
        def watch(plan: Plan) -> None:
            head = {
                "as_of": plan.as_of.isoformat(),
                "dry_run": dry_run,
                "planned": plan.planned,
                "held_out": plan.held_out,
                "skipped": dict(plan.skipped),
            }
            self.stdout.write(json.dumps(head)[:-1] + ', "touches": [', ending="")
            comma = ""
            for made in selectors.decisions(plan):
                row = made.__dict__ | {"send_at": made.send_at.isoformat() if made.send_at else None}
                self.stdout.write(comma + "\n" + json.dumps(row, ensure_ascii=False), ending="")
                comma = ","

        return watch

    def _text(self, *, dry_run: bool) -> services.Watcher:
        def watch(plan: Plan) -> None:
            words = {"as_of": clock.local(plan.as_of).isoformat(" ", "seconds")}
            if dry_run:
                self.stdout.write(_("As of %(as_of)s this would be decided (nothing is kept):") % words)
            else:
                self.stdout.write(_("Decided as of %(as_of)s:") % words)
            self.stdout.write(_("  planned %(count)d") % {"count": plan.planned})
            self.stdout.write(_("  held out %(count)d") % {"count": plan.held_out})
            for code, count in plan.skipped.most_common():
                self.stdout.write(_("  skipped %(count)d: %(reason)s") % {"count": count, "reason": reasons.text(code)})

        return watch


def _listed(figures: Counter[str]) -> str:
    return ", ".join(f"{state} {count}" for state, count in sorted(figures.items())) or "0"
