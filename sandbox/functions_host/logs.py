"""The log: the host's lines and the app's own logging, on stderr, at host.json's level."""

from __future__ import annotations

import logging
import sys


def configure(level: int) -> None:
    """Send everything to stderr. The Azure SDKs log every request at INFO, so they start at WARNING."""
    logging.basicConfig(
        stream=sys.stderr,
        level=level,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        force=True,
    )
    if level > logging.DEBUG:
        logging.getLogger("azure").setLevel(max(level, logging.WARNING))
