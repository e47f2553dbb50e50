"""What holds for every test: properties judge values, and what was collected is not looked through as garbage."""

import gc

from hypothesis import HealthCheck, settings

# How slow an example is on a loaded host says nothing.
settings.register_profile("values", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("values")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over modules and thousands of tests: they stay to the end."""
    gc.collect()
    gc.freeze()
