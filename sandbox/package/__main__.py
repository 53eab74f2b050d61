"""``python -m sandbox.package``: makes the deployment package and says how large it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sandbox.package.archive import zipped
from sandbox.package.build import Package, build, megabytes, table
from sandbox.package.options import parse
from sandbox.package.problem import PackageError
from sandbox.setup.problem import SetupError


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    try:
        package = build(options)
    except (PackageError, SetupError) as problem:
        print(problem, file=sys.stderr)
        return 1
    _show(package)
    archive = zipped(package.folder)
    print(f"{archive}: {megabytes(archive.stat().st_size)}.")
    return 0


def _show(package: Package) -> None:
    print(f"{'':<40} {'installed':>10} {'package':>10}")
    for name, (before, after) in table(package.sizes).items():
        print(f"{name:<40} {megabytes(before):>10} {megabytes(after):>10}")
    files = sum(size.files_before for size in package.sizes), sum(size.files_after for size in package.sizes)
    print(f"{'files':<40} {files[0]:>10} {files[1]:>10}")
    print(f"\n{package.folder}: {len(package.functions)} functions, for Python {package.python}.")
    if package.bytecode:
        print(f"Bytecode of what is reached: {megabytes(package.bytecode)} more.")
    else:
        print(
            "Without bytecode: in Azure every cold start compiles all that it imports, which takes about a second. With"
            f" python{package.python} on this machine, --bytecode adds it."
        )
    if package.checked:
        print("Checked: from this folder alone the app and all that it may need can be imported.")
    else:
        print(
            f"Not imported: this machine has no Python {package.python} to do it with. That every module is there"
            " which the app reaches was checked by name only."
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
