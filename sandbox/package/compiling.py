"""A program, standard library only, for any Python: compiles the files that are named on its standard input.

Without a look at times: unpacked elsewhere, a source has another time, and its bytecode would be taken for stale.
"""

from __future__ import annotations

import py_compile
import sys

if __name__ == "__main__":
    for name in sys.stdin.read().splitlines():
        py_compile.compile(name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
