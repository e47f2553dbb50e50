"""Columns cell by cell: one memory, read and written from both sides."""

import numpy as np
import pytest

from agent.fleet.cells import Cells

pytestmark = pytest.mark.pure


class Columns:
    def __init__(self):
        self.name, self.steps = "not a column", [1, 2]
        self._watts, self.step = np.zeros(3), np.zeros(3, np.int8)
        self.held, self.sealed = np.zeros((2, 3), np.bool_)
        self.two = np.zeros((3, 2))


def test_what_is_written_to_cells_is_in_the_columns_and_the_other_way():
    columns = Columns()
    cells = Cells(columns)
    cells.watts[1], cells.step[2], cells.sealed[0], cells.two[1, 1] = 3250.5, -1, True, 0.5
    assert columns._watts[1] == 3250.5
    assert columns.step[2] == -1
    assert columns.sealed.tolist() == [True, False, False]
    assert not columns.held.any()
    assert columns.two[1].tolist() == [0.0, 0.5]
    columns._watts += 1.0
    assert [cells.watts[row] for row in range(3)] == [1.0, 3251.5, 1.0]


def test_cells_are_pythons_own_numbers_and_nothing_but_columns():
    cells = Cells(Columns())
    assert [type(cell[0]) for cell in (cells.watts, cells.step, cells.held)] == [float, int, bool]
    assert not hasattr(cells, "name")
    assert not hasattr(cells, "steps")
