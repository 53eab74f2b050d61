"""Replays one seed, and says what happened."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.run import Result, big, small


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which run (1 unless told)")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from that one on")
    parser.add_argument("--big", action="store_true", help="1,000 gateways for two simulated weeks")
    parser.add_argument("--gateways", type=int, default=1000, help="how many of them, with --big")
    parser.add_argument(
        "--tenants", type=int, default=1, help="with --big: the gateways are spread over so many, each in a process"
    )
    parser.add_argument("--quiet", action="store_true", help="only what came of it")
    asked = parser.parse_args(arguments)
    if asked.big and asked.tenants > 1:
        return tenants(asked.seed, asked.gateways, asked.tenants)
    broken = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        one = asked.seeds == 1 and not asked.quiet
        result = big(seed, asked.gateways) if asked.big else small(seed, keep=one)
        broken += bool(result.broken)
        show(result)
    if asked.seeds > 1:
        print(f"{asked.seeds} seeds, {broken} broken")
    return 1 if broken else 0


def tenants(seed: int, gateways: int, count: int) -> int:
    """The big world in parts that have nothing in common, each with a tenant, tables and hosts of its own."""
    started = time.perf_counter()
    with ProcessPoolExecutor(count) as processes:
        results = list(processes.map(big, range(seed, seed + count), [gateways // count] * count))
    for result in results:
        show(result)
    commits = sum(result.commits for result in results)
    print(f"{count} tenants: {commits} changes in {time.perf_counter() - started:.2f} s")
    return 1 if any(result.broken for result in results) else 0


def show(result: Result) -> None:
    """The journal, and the end."""
    for line in result.lines:
        print(line)
    print(result)
    for broken in result.broken:
        print(f"  BROKEN {broken}\n  replay: {result.command}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
