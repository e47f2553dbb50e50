"""Columns cell by cell: what one reading touches is a dozen cells of one row, and arrays hand those out slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np


class Cells:
    """The columns that an object has by now, under their bare names, as memory whose cells are Python's own numbers.

    It is the columns' own memory: what is written to either is read from both. A column that is replaced is not here.
    """

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> memoryview[Any]:
            """Return a column's cells."""

    def __init__(self, columns: object) -> None:
        for name, column in vars(columns).items():
            if isinstance(column, np.ndarray):
                setattr(self, name.removeprefix("_"), memoryview(column.data))
