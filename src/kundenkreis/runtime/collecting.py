"""The garbage collector, told what a worker is: thousands of short-lived, acyclic states per batch beside a few compiled rulebooks.

With the interpreter's defaults it walks everything that lives about a hundred times per batch and finds nothing.
"""

import gc

YOUNG, MIDDLE, OLD = 200_000, 20, 50
"""Objects made before the youngest are looked through, and how often that happens before the older ones are."""


def collect_rarely() -> None:
    """Once, when a process that folds has loaded its code and rulebooks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
