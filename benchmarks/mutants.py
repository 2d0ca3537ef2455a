"""How many wrong programs the judge lets through: none, over thousands of drawn plans.

    python benchmarks/mutants.py [PLANS [FIRST]]

Draws plans (2,000), changes one thing in each of many copies of its program, asks the judge, and
runs what it accepts, with a share of what it refuses, as C under sanitizers. Prints, per kind of
change, how many there were and what became of them. Exit code 1 where something wrong was accepted.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutant_tally import tally

COLUMNS = ("made", "unstaged", "refused", "refused_run", "refused_wrong", "accepted", "holes")
PER_KIND, SHARE = 2, 0.05


def main(plans: int, first: int) -> int:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="tilewright-") as folder:
        tallies = tally(range(first, first + plans), PER_KIND, SHARE, Path(folder))
    print(f"| change | {' | '.join(name.replace('_', ', ') for name in COLUMNS)} |")
    print("|---|" + "---:|" * len(COLUMNS))
    rows = {kind: [getattr(count, name) for name in COLUMNS] for kind, count in tallies.items()}
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    for kind, row in rows.items():
        print(f"| {kind} | {' | '.join(f'{number:,}' for number in row)} |")
    return int(any(count.holes for count in tallies.values()))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(main(*[*given, *(2000, 0)[len(given) :]]))
