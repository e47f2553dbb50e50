"""A share of `make fuzz`: two thousand order documents that are malformed, forged, replayed or out of order."""

import pytest

from tests.fuzz.orders import BATCH, Heard, send

pytestmark = pytest.mark.pure


def test_what_nobody_who_may_has_sent_is_counted_and_changes_nothing():
    heard = Heard()
    send("share", range(1), heard)
    assert heard.wrong == []
    assert heard.documents == BATCH >= 2000
    assert heard.moved > 0
    assert sum(heard.refused.values()) > BATCH / 2
