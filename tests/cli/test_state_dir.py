"""Where an agent keeps its state."""

from pathlib import Path

import pytest

from agent.state_dir import state_dir

pytestmark = pytest.mark.pure

HOME = {"HOME": "/home/a"}
CASES = [
    # site, given, environment, found
    ("kg-1", Path("/x"), {**HOME, "STATE_DIRECTORY": "/s", "XDG_STATE_HOME": "/d"}, "/x"),
    ("kg-1", None, {**HOME, "STATE_DIRECTORY": "/s", "XDG_STATE_HOME": "/d"}, "/s"),
    ("kg-1", None, {**HOME, "STATE_DIRECTORY": "/s:/t"}, "/s"),
    ("kg-1", None, {**HOME, "XDG_STATE_HOME": "/d"}, "/d/hashwatt/kg-1"),
    ("kg-1", None, {**HOME, "XDG_STATE_HOME": "relative/is/not/allowed"}, "/home/a/.local/state/hashwatt/kg-1"),
    ("kg-1", None, {**HOME, "XDG_STATE_HOME": "", "STATE_DIRECTORY": ""}, "/home/a/.local/state/hashwatt/kg-1"),
    ("kg-1", None, HOME, "/home/a/.local/state/hashwatt/kg-1"),
    (None, None, HOME, "/home/a/.local/state/hashwatt"),
]


@pytest.mark.parametrize(("site", "given", "environ", "found"), CASES)
def test_state_lies_where_it_was_given_else_with_the_service_else_with_the_user(site, given, environ, found):
    assert state_dir(site, given, environ) == Path(found)
