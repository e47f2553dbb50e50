"""The order in which scenarios are played side by side: the longest first, each with a short one behind it.

A worker is dealt two at a time; two long ones in a row would keep it long after the others are done.
"""

SHORT_S = 15


def pytest_collection_modifyitems(items):
    ours = [item for item in items if item.path.parent.name == "scenarios"]
    others = [item for item in items if item not in ours]
    by_length = sorted(ours, key=_lasts_s, reverse=True)
    long, short = by_length[: (len(ours) + 1) // 2], by_length[(len(ours) + 1) // 2 :]
    dealt = [item for pair in zip(long, short, strict=False) for item in pair]
    items[:] = [*others, *dealt, *long[len(short) :]]


def _lasts_s(item):
    mark = item.get_closest_marker("lasts")
    return SHORT_S if mark is None else mark.args[0]
