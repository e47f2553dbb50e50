"""One frozen record per thing worth remembering.

Facts carry ids, state names, numbers and raw documents, never an object of another room, so that what was
written years ago can still be read. Fields are only ever added, with a default. `at` is aware UTC.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, omit_defaults=True):
    """Something that happened, at `at`."""

    at: datetime
