"""python -m tests.oracle --data DIR --seed N --customers 200 [--kinds segment,phase,score,message]

--against explain asks `kreis explain` (now and at a past instant) instead of comparing the stored tables.
Exits with 1 and a list when the oracle and the installation disagree.
"""

import argparse
import sys
from pathlib import Path

from tests.oracle.asking import KINDS, ask
from tests.oracle.explained import Explained
from tests.oracle.history import read
from tests.oracle.stored import Stored

PLAYBOOKS = Path(__file__).parents[2] / "src" / "kundenkreis" / "playbooks"


def main(arguments=None):
    """Ask, print, and say by the exit code whether all agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="data directory of an installation on SQLite")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--customers", type=int, default=200, help="per kind")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument(
        "--definitions",
        action="append",
        help="folder of the YAML files; several in the order in which they were published",
    )
    parser.add_argument("--against", choices=("tables", "explain"), default="tables")
    options = parser.parse_args(arguments)
    installation = read(options.data, options.definitions or [PLAYBOOKS])
    other = Stored(options.data) if options.against == "tables" else Explained(options.data)
    try:
        reports = ask(
            installation, other, seed=options.seed, customers=options.customers, kinds=options.kinds.split(",")
        )
    finally:
        other.close()
    for report in reports:
        print(
            f"{report.kind}: {report.customers} customers, {report.compared} answers compared "
            f"({report.positive} of them about something that was ever so), {len(report.disagreements)} disagreements"
        )
        for reason, count in sorted(report.not_covered.items()):
            print(f"  not covered: {reason} ({count} customers)")
        for line in report.disagreements[:50]:
            print(f"  {line}")
    return 1 if any(report.disagreements for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
