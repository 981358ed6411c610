"""Long runs: python -m tests.simulation --seeds 1000-3000"""

import argparse
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from tests.simulation.checks import violations
from tests.simulation.simulation import Simulation


def live(seed: int, folder: Path, *, hasty: Collection[str] = ()) -> tuple[list[str], Counter[str]]:
    """(what does not hold after this life, what happened in it); for `hasty` see `Simulation`."""
    sim = Simulation(seed, folder, hasty=hasty)
    try:
        sim.run()
        found = violations(sim, folder)
    except Exception:
        found = [traceback.format_exc()[-3000:]]
    finally:
        sim.end()
        for path in folder.glob(f"sim-{seed}.db*"):
            path.unlink()
    return found, sim.counts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1000-1200", help="first-last, or a single one")
    first, _, last = parser.parse_args().seeds.partition("-")
    total: Counter[str] = Counter()
    bad: list[int] = []
    with tempfile.TemporaryDirectory(prefix="kreis-sim-") as folder:
        for seed in range(int(first), int(last or first) + 1):
            found, counts = live(seed, Path(folder))
            total += counts
            if found:
                bad.append(seed)
                print(f"seed {seed}:", *(f"  {one}" for one in found[:12]), sep="\n", flush=True)
    print({name: count for name, count in sorted(total.items())})
    print(f"{len(bad)} seeds failed: {bad}" if bad else "no seed failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
