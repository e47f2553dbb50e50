"""Property tests judge values, not this machine's speed: how slow an example is on a loaded host says nothing."""

from hypothesis import HealthCheck, settings

settings.register_profile("values", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("values")
