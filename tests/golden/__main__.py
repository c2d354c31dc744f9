"""Records the golden programmes under the newest engine of this build: `python -m tests.golden [NAME …]`.

Without names it records those that are missing. A recording that is there stays as it is; to make an engine that was
never released anew, take its files away first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from handlers.engines import NEWEST
from tests.golden.programmes import PROGRAMMES
from tests.golden.recordings import HERE, find, record


def main(names: list[str]) -> int:
    """Exit code 1 where one of the names is recorded already, or unknown."""
    if strange := [name for name in names if name not in PROGRAMMES or find(name, NEWEST).place.exists()]:
        sys.stderr.write(f"{', '.join(strange)}: unknown, or recorded already under engine {NEWEST}\n")
        return 1
    for name in names or [name for name in PROGRAMMES if not find(name, NEWEST).place.exists()]:
        with TemporaryDirectory() as folder:
            golden = record(name, PROGRAMMES[name](Path(folder)), HERE)
        size = golden.place.stat().st_size
        sys.stdout.write(f"{golden.place}: {golden.said['size']} entries, {size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
