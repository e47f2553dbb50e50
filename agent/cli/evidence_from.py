"""Where evidence comes from: a running agent, else its store, signed where its key is at hand."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from agent.cli.failure import NO, UNREACHABLE, USAGE, Failure
from agent.cli.offline import Remembered, read_config, remembered, running
from agent.cli.options import Reach, present
from agent.values import rfc3339

if TYPE_CHECKING:
    from agent.ledger.store import Store
    from agent.proof.signature import PublicKey, SigningKey

PATH = "/api/v1/evidence"


def exported(reach: Reach, config: Path | None, order_id: str) -> bytes:
    """Return an order's record as a file. Raises Failure."""
    agent = running(reach, config)
    if agent is not None:
        return agent.bytes_of(f"{PATH}/{quote(order_id, safe='')}")
    from importlib.metadata import version  # noqa: PLC0415 - quick help needs it not

    from agent.ledger import attest  # noqa: PLC0415 - likewise
    from agent.outputs.words import no_record  # noqa: PLC0415 - likewise
    from agent.proof.evidence import Export  # noqa: PLC0415 - likewise

    kept = remembered(reach, read_config(config))
    with closing(kept.store()) as store:
        told = Export(site=_site(kept, store), agent=version("hashwatt"), at=present())
        lines = attest.exported(store, order_id, told, _key_at_hand(kept))
        if lines is None:
            raise Failure(NO, no_record(order_id, attest.dropped(store, order_id)))
    return b"".join(lines)


def listed(reach: Reach, config: Path | None) -> list[dict[str, Any]]:
    """Return the orders that there is a record of, as the API lists them. Raises Failure."""
    agent = running(reach, config)
    if agent is not None:
        return agent.items(PATH, {})
    from agent.ledger import attest  # noqa: PLC0415 - quick help needs it not

    with closing(remembered(reach, read_config(config)).store()) as store:
        return [
            {
                "order": chain.order_id,
                "links": chain.links,
                "head": chain.head,
                "since": rfc3339(chain.since),
                "until": rfc3339(chain.until),
                "covered": chain.covered,
            }
            for chain in attest.kept(store)
        ]


def key_of(reach: Reach, config: Path | None) -> PublicKey:
    """Return the public key of a site. Raises Failure."""
    from agent.proof.signature import PublicKey  # noqa: PLC0415 - quick help needs it not

    agent = running(reach, config)
    if agent is not None:
        return PublicKey.read(str(agent.get(PATH, {"limit": 1})["key"]))
    kept = remembered(reach, read_config(config))
    own = _own_key(kept)
    if own is None:
        raise Failure(UNREACHABLE, f"{kept.folder}: there is no key yet; it is made at the agent's first start")
    return own.public


def _key_at_hand(kept: Remembered) -> SigningKey | None:
    """Return the key that signs for this store; why it cannot be had is told, and what was signed before stands."""
    try:
        return _own_key(kept)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return None


def _own_key(kept: Remembered) -> SigningKey | None:
    """Return the key that signs for this store, None where it is not at hand."""
    from agent.config import ConfigError  # noqa: PLC0415 - quick help needs it not
    from agent.ledger.store import CannotOpen  # noqa: PLC0415 - likewise
    from agent.proof.evidence_key import known_key  # noqa: PLC0415 - likewise

    try:
        return known_key(kept.config, kept.folder)
    except ConfigError as error:
        raise Failure(USAGE, "; ".join(map(str, error.problems))) from None
    except CannotOpen as error:
        raise Failure(UNREACHABLE, str(error)) from None


def _site(kept: Remembered, store: Store) -> str:
    """Return the site's id: as it is configured, as its heads have it, else as its folder is called."""
    from agent.ledger.attest import last_head  # noqa: PLC0415 - quick help needs it not

    if kept.config is not None:
        return kept.config.schema.site.id
    head = last_head(store)
    return kept.folder.name if head is None else head.site
