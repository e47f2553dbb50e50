"""What lets somebody watch: the stream of what is, and the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.outputs.http.history import Histories, Past
from agent.outputs.http.plan import Plans
from agent.outputs.http.stream import Stream
from agent.outputs.sight import Sight
from agent.past import MinerPoint, SitePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The routes of the page beside the page itself."""

    stream: Stream
    histories: Histories
    plans: Plans

    @staticmethod
    def of(sight: Sight, past: Past, stream: Stream) -> Watch:
        """Build it."""
        return Watch(stream=stream, histories=Histories(sight, past), plans=Plans(sight=sight))

    @staticmethod
    def nothing(sight: Sight) -> Watch:
        """Return what shows a site that nobody tells of and whose past nobody keeps."""
        return Watch.of(sight, NoPast(), Stream())


class NoPast:
    """Remembers nothing."""

    async def site(self, _since: datetime, _until: datetime, _step_s: int) -> list[SitePoint]:
        """Return nothing."""
        return []

    async def miner(self, _miner: str, _since: datetime, _until: datetime) -> list[MinerPoint]:
        """Return nothing."""
        return []
