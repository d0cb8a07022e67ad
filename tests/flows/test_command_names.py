"""Commands that do all they know where nothing is named."""

import pytest
from django.core.management.base import CommandError

from apps.flows import proofs
from apps.flows.management.commands.prove_value import Command


def test_all_races_are_meant_where_none_is_named_and_an_unknown_one_is_refused():
    parser = Command().create_parser("manage.py", "prove_value")
    assert parser.parse_args([]).races == []
    assert parser.parse_args(["hot", "ledgers"]).races == ["hot", "ledgers"]
    with pytest.raises(CommandError, match=f"'hut' is none of {', '.join(proofs.NAMES)}"):
        parser.parse_args(["hut"])
