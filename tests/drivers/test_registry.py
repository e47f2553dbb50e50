"""One row a driver."""

import pytest

from drivers import registry
from drivers.errors import Unsupported
from drivers.interface import Identity, Target

pytestmark = pytest.mark.pure

HERE = Target(host="127.0.0.1")


def test_each_name_is_there_once():
    assert len(set(registry.names())) == len(registry.ROWS)
    assert {"antminer-stock", "cgminer"} <= set(registry.names())


@pytest.mark.parametrize("name", registry.names())
def test_each_row_makes_a_driver_with_or_without_an_identity(name):
    for driver in (registry.create(Identity(driver=name), HERE), registry.row(name).create(HERE, None)):
        assert driver.target == HERE
        assert all(callable(getattr(driver, way)) for way in ("identify", "read", "send"))


def test_a_name_without_a_row_is_unsupported_and_said():
    with pytest.raises(Unsupported, match="nonesuch"):
        registry.create(Identity(driver="nonesuch"), HERE)
