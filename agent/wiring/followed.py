"""What only `run` follows of a configuration: secrets, certificates, tokens; `check` says where they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.config import Config, ConfigError, Problem
from agent.proof.evidence_key import known_key
from agent.settings import broker_of, logins_of, tokens_of
from agent.wiring.webhooks import webhooks_of

Reader = Callable[[Config], object]


def mistakes(config: Config, *readers: Reader) -> Iterator[Problem]:
    """Yield what each of these readers cannot take."""
    for read in readers:
        try:
            read(config)
        except ConfigError as error:
            yield from error.problems


def _logins(config: Config) -> None:
    for name in config.schema.credentials:
        logins_of(config, name)


def _evidence(config: Config) -> None:
    known_key(config, config.folder)


FOLLOWED: tuple[Reader, ...] = (broker_of, tokens_of, _evidence, _logins, webhooks_of)
