"""Writes infra/snapshots/*.json anew: `python3 dev.py snapshots`. What changed is then read in the diff."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.infra.bicep import prepare
from tests.infra.predicted import CHOICES, SNAPSHOTS, file_name
from tests.infra.tools import LeftOutError


def main() -> int:
    """Write each prediction; 1 when Bicep isn't there or refuses."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            bicep = prepare(Path(temporary).resolve() / "copy")
            for choice in CHOICES:
                predicted = bicep.predict(choice)
                file = SNAPSHOTS / file_name(choice, json.loads(predicted))
                same = file.exists() and file.read_text(encoding="utf-8") == predicted
                for old in SNAPSHOTS.glob(f"{choice}.*.json"):
                    old.unlink()
                file.write_text(predicted, encoding="utf-8")
                sys.stdout.write(f"{'the same' if same else 'CHANGED '} infra/snapshots/{file.name}\n")
                sys.stdout.flush()
        except (LeftOutError, ValueError, OSError) as problem:
            sys.stderr.write(f"Not all is predicted: {problem}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
