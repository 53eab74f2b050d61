"""Prints the measurements as tables."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from bench import dashboard, imports, journey


def main() -> None:
    console = Console()
    alone, app = imports.measure()
    table = Table(title=f"import, medians of {imports.ROUNDS} processes each", title_justify="left")
    for heading in ("module", "seconds", "MB"):
        table.add_column(heading, justify="left" if heading == "module" else "right")
    for row in (alone, app):
        table.add_row(row.module, f"{row.seconds:.3f}", f"{row.megabytes:.0f}")
    table.add_row("difference", f"{app.seconds - alone.seconds:.3f}", f"{app.megabytes - alone.megabytes:.0f}")
    console.print(table)

    (first, *warm), polls = journey.measure()
    seconds = [j.seconds for j in warm]
    table = Table(title="Operator Connect, from POST to completed, waits at zero", title_justify="left")
    for heading in ("", "seconds"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("the first after a start", f"{first.seconds:.2f}")
    table.add_row(f"minimum of {len(warm)} more", f"{min(seconds):.2f}")
    table.add_row("median", f"{statistics.median(seconds):.2f}")
    table.add_row("maximum", f"{max(seconds):.2f}")
    console.print(table)

    table = Table(title="requests to Microsoft for one such onboarding", title_justify="left")
    for heading in ("", "requests"):
        table.add_column(heading, justify="left" if not heading else "right")
    counted = warm[-1].requests
    graph = sum(n for kind, n in counted.items() if kind.startswith("graph"))
    arm = sum(n for kind, n in counted.items() if kind.startswith("arm"))
    table.add_row("Graph, all (a $batch is one)", str(graph))
    table.add_row("  of them e-mail to people", str(counted["graph sendMail"]))
    table.add_row("  the steps'", str(graph - counted["graph sendMail"]))
    table.add_row("ARM", str(arm))
    for kind, number in sorted(counted.items()):
        table.add_row(f"  {kind}", str(number))
    console.print(table)

    console.print(
        f"{polls.gateways} gateways of one subscription waiting: {polls.looks} looks in {journey.WATCHED:.0f} s"
        f" with {polls.arm_requests} ARM requests."
    )

    count, answers = dashboard.measure()
    title = f"answer times over HTTP with {count} onboardings on Azurite, {dashboard.REQUESTS} requests each"
    table = Table(title=title, title_justify="left")
    for heading in ("path", "first ms", "min ms", "median ms", "max ms", "after a pause ms", "KB"):
        table.add_column(heading, justify="left" if heading == "path" else "right")
    for path in answers:
        figures = (path.first, min(path.times), path.median, max(path.times), path.after_pause, path.kilobytes)
        table.add_row(path.path, *(f"{figure:.0f}" for figure in figures))
    console.print(table)


if __name__ == "__main__":
    main()
