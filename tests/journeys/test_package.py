"""The same journeys, with the deployment package as the function app and no library but those in it.

Not all of them: one for each kind of call, so that every request builder and every page of the package is used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.cloud import Cloud
from sandbox.package import isolated
from sandbox.package.build import LIMIT, Package, build
from sandbox.package.cloud import parts
from sandbox.package.options import HERE, Options
from sandbox.package.problem import PackageError
from sandbox.ports import Ports
from tests.journeys.test_samples import (
    test_both_services_on_a_lab_gateway,
    test_operator_connect_is_connected,
    test_the_same_onboarding_again_only_reads_at_microsoft,
)
from tests.support.people import Operator

__all__ = [
    "test_both_services_on_a_lab_gateway",
    "test_operator_connect_is_connected",
    "test_the_same_onboarding_again_only_reads_at_microsoft",
]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build(Options(for_here=True, python=HERE, out=tmp_path_factory.mktemp("built") / "package"))


@pytest.fixture(scope="module")
def cloud(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """In place of the cloud of the other journeys."""
    folder, ports = tmp_path_factory.mktemp("packaged"), Ports.free()
    with Cloud(ports, folder=folder, parts=parts(ports, folder, package.folder)) as running:
        yield running


def test_it_is_small(package: Package) -> None:
    on_disk = sum(path.stat().st_size for path in package.folder.rglob("*") if path.is_file())
    assert on_disk == sum(size.after for size in package.sizes)
    assert on_disk <= LIMIT == 60_000_000


def test_a_package_without_a_request_builder_that_the_app_asks_for_would_have_been_refused(package: Package) -> None:
    """Also one that a journey seldom comes to: what the source names is tried, not what ran."""
    site = package.folder / isolated.SITE
    (builder,) = site.glob("msgraph/generated/users/item/send_mail/*.py")
    hidden = builder.rename(builder.with_suffix(".hidden"))
    try:
        with pytest.raises(PackageError, match=r"msgraph: No module named .*send_mail"):
            isolated.reached(sys.executable, package.folder, site)
    finally:
        hidden.rename(builder)


def test_the_process_has_nothing_of_the_virtual_environment_but_what_the_host_itself_needs(
    cloud: Cloud, package: Package
) -> None:
    """Linux tells which files a process has mapped: the extension modules."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells which files a process has loaded")
    maps = Path(f"/proc/{cloud.pid('functions')}/maps").read_text()
    modules = {line.split(maxsplit=5)[5] for line in maps.splitlines() if line.endswith(".so")}
    libraries = {path for path in modules if "site-packages" in path}
    assert libraries, "no extension module was loaded at all"
    assert all(path.startswith(str(package.folder)) for path in libraries)


def test_people_see_their_pages(operator: Operator) -> None:
    """Templates and style sheets are files of the app that no module imports."""
    page = operator.client.get("dashboard").text
    assets = re.findall(r'(?:href|src)="/api/(assets/[^"]+)"', page)
    assert any(asset.endswith(".css") for asset in assets)
    for path in ("docs", "openapi.json", *assets):
        assert operator.client.get(path).status_code == 200, path
