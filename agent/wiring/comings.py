"""Who comes and who goes beside the inventory: adopted machines, proposals, and those that an order still holds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from agent.config import Config
from agent.control.controller import Controller
from agent.control.poller import Poller
from agent.ledger.ledger import Ledger
from agent.wiring.leavers import Leavers, with_held
from agent.wiring.newcomers import Newcomers, with_adopted


class Comings:
    """Both, for `app`. `bind` once, when control is built."""

    def __init__(self, newcomers: Newcomers, leavers: Leavers) -> None:
        self.newcomers = newcomers
        self.leavers = leavers

    @staticmethod
    def of(config: Config, ledger: Ledger) -> tuple[Config, Comings]:
        """Return the configuration with everybody who belongs to the farm now. Blocking: for the start."""
        config, proposals = with_adopted(config, ledger)
        config, leavers = with_held(config, ledger)
        return config, Comings(Newcomers(config, proposals), leavers)

    def bind(self, controller: Controller, poller: Poller, begin_again: Callable[[], None]) -> None:
        """Say who controls, and how the agent begins again when somebody came or went."""
        self.newcomers.bind(controller, poller, begin_again)
        self.leavers.begin_again = begin_again

    def works(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Return the long-lived tasks, by name, that there is cause for."""
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        if self.leavers.held:
            works["leavers"] = lambda: self.leavers.run(self.newcomers.control)
        prospector = self.newcomers.prospector()
        if prospector is not None:
            works["discovery"] = lambda: prospector.run(self.newcomers)
        return works
