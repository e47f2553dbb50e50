"""The store of an agent, read where none runs or beside one that does; nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.client import Agent
from agent.cli.failure import UNREACHABLE, USAGE, Failure
from agent.cli.options import Reach
from agent.state_dir import state_dir as state_dir_of

if TYPE_CHECKING:
    from agent.config import Config
    from agent.facts import AnyFact
    from agent.ledger.store import Store
    from agent.search import Search

STORE = "hashwatt.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a store holds, and the configuration that it is priced by."""

    folder: Path
    url: str
    config: Config | None

    @property
    def is_there(self) -> bool:
        """Whether there is a store at all."""
        return (self.folder / STORE).exists()

    def facts(self, kinds: Sequence[str]) -> Iterator[AnyFact]:
        """Yield facts of these kinds in their order. Raises Failure."""
        import msgspec  # noqa: PLC0415 - quick help needs it not

        from agent.facts import AnyFact as Any_  # noqa: PLC0415 - likewise

        decoder = msgspec.json.Decoder(Any_)
        with closing(self.store()) as store:
            for _, body in store.facts(kinds=kinds):
                yield decoder.decode(body)

    def search(self, search: Search) -> list[tuple[int, AnyFact]]:
        """Return the facts that are meant, with their numbers. Raises Failure."""
        from agent.ledger.ledger import found  # noqa: PLC0415 - quick help needs it not

        with closing(self.store()) as store:
            return found(store, search)

    def store(self) -> Store:
        """Open the store, to be read. Raises Failure."""
        from agent.ledger.store import CannotOpen, Store  # noqa: PLC0415 - quick help needs it not

        try:
            return Store(self.url, self.folder, read_only=True)
        except CannotOpen as error:
            raise Failure(UNREACHABLE, str(error)) from None


def running(reach: Reach, config: Path | None) -> Agent | None:
    """Return the agent to ask, None where its store is to be read: a configuration is told, or none runs.

    Raises Failure.
    """
    if config is not None:
        return None
    try:
        agent = reach.agent()
        agent.find("/healthz")
    except Failure as failure:
        if failure.code != UNREACHABLE or reach.url is not None:
            raise
        return None
    return agent


def store_instead(reach: Reach) -> Remembered | None:
    """Return the store where no agent runs on this host, None where one does or there is no store. Raises Failure."""
    if running(reach, None) is not None:
        return None
    store = remembered(reach, None)
    return store if store.is_there else None


def remembered(reach: Reach, config: Config | None) -> Remembered:
    """Return the store that these options lead to. Raises Failure."""
    site = reach.site or (None if config is None else config.schema.site.id)
    folder = _folder(state_dir_of(site, reach.state_dir, os.environ))
    return Remembered(
        folder=folder, url=f"sqlite:///{STORE}" if config is None else config.schema.store.url, config=config
    )


def _folder(told: Path) -> Path:
    """Return the folder, or the only one below it that holds a store."""
    if (told / STORE).exists():
        return told
    found = sorted(store.parent for store in told.glob(f"*/{STORE}"))
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise Failure(USAGE, f"this host has the stores of several sites, name one with --site: {names}")
    return found[0] if found else told


def read_config(path: Path | None) -> Config | None:
    """Read a configuration. Raises Failure with every mistake."""
    if path is None:
        return None
    from agent.config import ConfigError, load  # noqa: PLC0415 - pydantic is not for every command

    try:
        return load(path)
    except ConfigError as error:
        raise Failure(USAGE, "; ".join(map(str, error.problems))) from None
