"""How the property tests of this part run: by count, never by the clock."""

from hypothesis import HealthCheck, settings

# A busy machine must not make a test fail: no deadline per example, no complaint about slow generation.
settings.register_profile("by_count", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("by_count")
