"""The numbers under which processes lock each other out in PostgreSQL: one list, so that no two things share a number."""

WORKER_LEASES = 726_001
"""Taking and giving up partitions."""
SCHEMA = 726_002
"""Creating the store's tables."""
INBOX_SCHEMA = 726_003
"""Creating the inbox."""
PRUNING = 726_004
"""Removing what has outlived its term; who finds it taken leaves it to the other."""
SITE_SCHEMA = 726_005
"""Bringing the site's tables up to date."""
