"""Settings for every test."""

from hypothesis import HealthCheck, settings

# No test asserts a time, a law included: machines are busy.
settings.register_profile("tollspan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tollspan")
