"""Writes infra/snapshots/*.snapshot.json anew: `python3 dev.py snapshots`. What changed is then read in the diff."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.infra.bicep import prepare
from tests.infra.predicted import CHOICES, SNAPSHOTS
from tests.infra.tools import LeftOut


def main() -> int:
    """Write each prediction; 1 when Bicep isn't there or refuses."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            bicep = prepare(Path(temporary).resolve() / "copy")
            for choice in CHOICES:
                file = SNAPSHOTS / f"{choice}.snapshot.json"
                before = file.read_text(encoding="utf-8") if file.exists() else None
                predicted = bicep.predict(choice)
                file.write_text(predicted, encoding="utf-8")
                print(f"{'the same' if predicted == before else 'CHANGED ':<8} infra/snapshots/{file.name}", flush=True)
        except (LeftOut, ValueError, OSError) as problem:
            print(f"No predictions: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
