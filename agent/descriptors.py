"""How many connections this process may hold: what the host allows, and what of it commands may take."""

from __future__ import annotations

import resource

LEAST, MOST = 64, 16_384


def allow_many() -> None:
    """Raise the soft limit on descriptors to the hard one: the usual 1,024 are fewer than commands under way."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def commands_at_once() -> int:
    """Return how many machines may be told at once: half of what is allowed, since polls and readers go on beside."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if allowed == resource.RLIM_INFINITY else max(LEAST, min(MOST, allowed // 2))
