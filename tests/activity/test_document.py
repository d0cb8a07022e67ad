"""The published catalogue is the one in the code."""

import json
import re

from django.utils import translation

from apps.activity import catalogue, document
from tests.architecture.test_sizes import ROOT

PAGE = ROOT / "docs" / "api" / "events.md"


def test_the_page_is_in_step_with_the_catalogue():
    with translation.override("en"):
        assert PAGE.read_text(encoding="utf-8") == document.page(), "run: bin/manage event_catalogue"


def test_every_schema_on_the_page_can_be_copied_out_and_used():
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    assert [json.loads(block) for block in blocks] == [
        *(kind.schema for kind in catalogue.TYPES),
        catalogue.CUSTOM_SCHEMA,
    ]
