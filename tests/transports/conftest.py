import asyncio

import pytest

from drivers.transports import socket_lane
from drivers.transports.readiness import LoopWatchers, NestedEpoll
from tests.transports.servers import DEADLINE_S, PATIENCE_S, Patient


@pytest.fixture(params=[NestedEpoll, LoopWatchers])
def readiness(request, monkeypatch):
    """Each test is run in both ways of learning what is ready."""
    monkeypatch.setattr(socket_lane, "readiness", request.param)
    return request.param


@pytest.fixture
async def lanes():
    lanes = Patient(timeout_s=PATIENCE_S)
    yield lanes
    await lanes.close()


@pytest.fixture
async def hasty():
    lanes = Patient(timeout_s=DEADLINE_S)
    yield lanes
    await lanes.close()


@pytest.fixture
async def reported():
    """What the loop's exception handler was told."""
    contexts = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: contexts.append(context))
    return contexts
