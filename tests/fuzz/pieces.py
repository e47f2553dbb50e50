"""Pieces of the work of `make fuzz`, each done by one of its processes."""

import gc
import os
from collections import Counter
from pathlib import Path

from tests.fuzz import orders, replies
from tests.fuzz.faces import recorded

CASES, BATCHES = 10_000, 10
"""Of one piece."""
SETTLED = 3
"""So many pieces of a process fill its caches; memory may not grow from then on."""
_tapes: list = []
_pieces = 0
_settled_mb = 0.0


def reply_piece(seed, piece):
    """Return how many replies were fed, how they ended, what went wrong, and by how many MB the process has grown."""
    if not _tapes:
        _tapes.extend(recorded())
    fed = replies.Fed()
    replies.feed(_tapes, seed, range(piece * CASES, (piece + 1) * CASES), fed)
    return fed.replies, fed.ends, fed.wrong, _grown_mb()


def order_piece(seed, piece):
    """Return the same of documents."""
    heard = orders.Heard()
    orders.send(seed, range(piece * BATCHES, (piece + 1) * BATCHES), heard)
    told = heard.refused + Counter(acks=heard.acks, evidence=heard.evidence, moved=heard.moved)
    return heard.documents, told, heard.wrong, _grown_mb()


def _grown_mb():
    """Return by how much this process has grown since it was settled."""
    global _pieces, _settled_mb  # noqa: PLW0603 - of a worker's process
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    now_mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    _pieces += 1
    if _pieces <= SETTLED:
        _settled_mb = now_mb
    return now_mb - _settled_mb
