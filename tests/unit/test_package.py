"""The deployment package: what goes into it, what is refused."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement

from sandbox.package import host, isolated
from sandbox.package.archive import zipped
from sandbox.package.build import LIMIT, Size, build, bytecode_of, refuse_large
from sandbox.package.bytecode import compile_reached
from sandbox.package.funcignore import app_files
from sandbox.package.isolated import Reached
from sandbox.package.libraries import closure, environment
from sandbox.package.options import HERE, Options, parse
from sandbox.package.problem import PackageError
from sandbox.package.prune import stays
from sandbox.package.reach import attributes_of, named

ROOT = Path(__file__).parents[2]
REACHED = {"msgraph", "msgraph.generated.users.users_request_builder", "phonenumbers", "phonenumbers.data", "aiohttp"}


@pytest.mark.parametrize(
    "file",
    [
        "msgraph/__init__.py",
        "msgraph/generated/users/users_request_builder.py",
        "phonenumbers/data/__init__.py",
        "phonenumbers/data/region_GB.py",  # loaded by a name that is computed
        "aiohttp/web_ws.py",  # of a library that is not thinned out
        "aiohttp/_http_parser.cpython-312-x86_64-linux-gnu.so",
        "certifi/cacert.pem",
        "aiohttp-3.dist-info/METADATA",
        "aiohttp-3.dist-info/licenses/LICENSE.txt",
        "opentelemetry_api-1.dist-info/entry_points.txt",
        "six.py",
    ],
)
def test_what_may_be_needed_stays(file: str) -> None:
    assert stays(PurePosixPath(file), REACHED)


@pytest.mark.parametrize(
    "file",
    [
        "msgraph/generated/models/user.py",
        "msgraph/generated/users/item/messages/messages_request_builder.py",
        "phonenumbers/geodata/data0.py",
        "phonenumbers/geodata/locale.txt",
        "aiohttp/_http_parser.pyx",
        "aiohttp/py.typed",
        "yarl/_quoting.pyi",
        "isodate/tests/test_date.py",
        "aiohttp-3.dist-info/RECORD",
    ],
)
def test_what_can_not_be_needed_goes(file: str) -> None:
    assert not stays(PurePosixPath(file), REACHED)


def test_the_app_is_its_code_its_pages_and_its_requirements() -> None:
    files = {file.as_posix() for file in app_files(ROOT)}
    assert {"function_app.py", "host.json", "requirements.txt"} <= files
    assert {"onboarding/pages/static/pages.css", "onboarding/pages/templates/dashboard.html"} <= files
    inside = {file.split("/")[0] for file in files if "/" in file}
    assert inside == {"onboarding"}, "the sandbox and the tests are not deployed"
    assert not [f for f in files if f.startswith("onboarding/memory/") or "__pycache__" in f or "settings.json" in f]


def repository(folder: Path, *more: str) -> Path:
    for name in ("function_app.py", "host.json", "requirements.txt", "onboarding/app.py", *more):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    return folder


@pytest.mark.parametrize(
    "secret", ["local.settings.json", "local.settings.prod.json", ".env", ".env.prod", ".git/config", ".azure/x/.env"]
)
def test_what_may_hold_secrets_is_left_out(tmp_path: Path, secret: str) -> None:
    assert Path(secret) not in app_files(repository(tmp_path, secret))


def test_what_nobody_thought_of_is_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"keys\.pem, notes in .* Name it in \.funcignore"):
        app_files(repository(tmp_path, "keys.pem", "notes/monday.txt"))


def test_an_app_without_a_part_of_it_is_refused(tmp_path: Path) -> None:
    (repository(tmp_path) / "host.json").unlink()
    with pytest.raises(PackageError, match=r"leaves host\.json out"):
        app_files(tmp_path)


def test_needs_are_followed_with_their_extras_and_for_the_python_of_the_package() -> None:
    known = {
        "a": ['b[fast]; python_version >= "3.13"', 'old; python_version < "3.12"', 'win; sys_platform == "win32"'],
        "b": ['c; extra == "fast"', 'd; extra == "slow"', "a"],
        "c": ["unheard-of"],
    }

    def requires(name: str) -> Sequence[Requirement] | None:
        return [Requirement(line) for line in known[name]] if name in known else None

    roots = [Requirement("A==1")]
    assert closure(roots, requires, environment("3.13")) == ({"a", "b", "c", "unheard-of"}, {"unheard-of"})
    assert closure(roots, requires, environment("3.12")) == ({"a"}, set())


def test_an_app_whose_library_is_not_there_is_not_packaged_and_the_reason_is_named(tmp_path: Path) -> None:
    app = repository(tmp_path / "app")
    (app / "onboarding" / "__init__.py").write_text("")
    (app / "onboarding" / "app.py").write_text("def later():\n    from nowhere.at_all import thing\n")
    with pytest.raises(PackageError, match=r"onboarding\.app needs nowhere\.at_all with thing"):
        isolated.reached(sys.executable, app, tmp_path / "site")


def test_imports_of_type_checkers_are_no_needs_and_those_of_functions_are() -> None:
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import never\nelse:\n    import always\n"
        "def f():\n    from late import thing\n"
    )
    assert set(named(tree)) == {("typing", "TYPE_CHECKING"), ("always", None), ("late", "thing")}


def test_names_along_which_request_builders_are_asked() -> None:
    tree = ast.parse("f(lambda g: g.users.by_user_id(x).send_mail)\n_of(g).held\nself._client.batch(y)\n")
    assert set(attributes_of(tree)) == {"users", "by_user_id", "send_mail", "held"}


def test_the_host_of_a_package_sees_nothing_of_this_environment_but_its_own_modules(tmp_path: Path) -> None:
    site = Path(pytest.__file__).parents[1]
    code = f"""
import runpy, sys
isolate = runpy.run_path({host.__file__!r})["isolate"]
from pathlib import Path
isolate(Path({str(tmp_path)!r}), Path({str(site)!r}))
for name in ("sandbox", "croniter", "pytest", "msgraph", "azure.core", "phonenumbers", "pydantic"):
    try:
        __import__(name)
    except ImportError:
        print("no", name)
    else:
        print("yes", name)
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    seen = dict(reversed(line.split()) for line in done.stdout.splitlines())
    assert seen.pop("sandbox") == seen.pop("croniter") == "yes"
    assert set(seen.values()) == {"no"}


def test_a_package_that_is_too_large_is_refused_and_its_largest_parts_are_named() -> None:
    sizes = [Size("large", 0, LIMIT - 5, 1, 1), Size("small", 0, 5, 1, 1)]
    refuse_large(sizes)
    with pytest.raises(PackageError, match=r"60\.0 MB, .* largest parts are large 60\.0 MB, small 0\.0 MB"):
        refuse_large([*sizes, Size("a straw", 0, 1, 1, 1)])


def test_a_folder_that_is_no_package_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(PackageError, match="is no package, so it is not replaced"):
        build(Options(for_here=True, python=HERE, out=tmp_path))
    assert (tmp_path / "thesis.txt").exists()


def test_a_zip_made_on_windows_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "host.json").write_text("{}")
    here = zipped(tmp_path / "package").read_bytes()
    monkeypatch.setattr(sys, "platform", "win32")
    assert zipped(tmp_path / "package").read_bytes() == here


def test_the_zip_holds_the_contents_of_the_folder_readable_by_all_and_is_the_same_each_time(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / ".python_packages").mkdir(parents=True)
    (package / "host.json").write_text("{}")
    (package / "host.json").chmod(0o600)
    (package / ".python_packages" / "six.py").write_text("")
    archive = zipped(package)
    first = archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == [".python_packages/six.py", "host.json"]
        assert all(entry.external_attr >> 16 & 0o444 == 0o444 for entry in file.infolist())
        # 3 is Unix. Without it, as on Windows, the modes above are not read, and the host finds no function.
        assert {entry.create_system for entry in file.infolist()} == {3}
    (package / "host.json").touch()
    assert zipped(package).read_bytes() == first


def test_bytecode_is_of_what_is_reached_and_good_whatever_time_its_source_has(tmp_path: Path) -> None:
    site = tmp_path / isolated.SITE
    for name in ("function_app.py", f"{isolated.SITE}/used/__init__.py", f"{isolated.SITE}/used/not_used.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("here = True\n")
    size = compile_reached(tmp_path, ["used"], sys.executable)
    compiled = {path.parents[1]: path for path in tmp_path.rglob("*.pyc")}
    assert set(compiled) == {tmp_path, site / "used"}
    assert size == sum(path.stat().st_size for path in compiled.values())
    # PEP 552: bytes 4 to 8 are flags; 1 is by hash and unchecked.
    assert all(int.from_bytes(path.read_bytes()[4:8], "little") == 1 for path in compiled.values())
    # Where a folder has no such file, azd leaves __pycache__ out of the zip that it makes.
    lines = (tmp_path / ".funcignore").read_text(encoding="utf-8").splitlines()
    assert lines
    assert all(line.startswith("#") for line in lines)
    (tmp_path / "function_app.py").write_text("def broken(:\n")
    with pytest.raises(PackageError, match="SyntaxError"):
        compile_reached(tmp_path, [], sys.executable)


def test_a_package_for_here_is_of_this_python(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["--for-here"]).python == HERE
    other = "3.12" if HERE != "3.12" else "3.13"
    with pytest.raises(SystemExit):
        parse(["--for-here", "--python", other])
    assert f"--for-here is for this Python, {HERE}" in capsys.readouterr().err
    assert parse([]).python == "3.12"


def test_the_bytecode_is_left_out_only_where_its_python_is_not_or_nobody_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Reached(frozenset(), frozenset())
    (tmp_path / "function_app.py").write_text("here = True\n")

    def compiled(*arguments: str) -> bool:
        return bool(bytecode_of(tmp_path, parse(arguments), wanted))

    monkeypatch.setattr(isolated, "interpreter", lambda python: sys.executable)
    assert compiled()
    assert compiled("--for-here", "--bytecode")
    assert not compiled("--no-bytecode")
    assert not compiled("--for-here")
    monkeypatch.setattr(isolated, "interpreter", lambda python: None)
    assert not compiled()
    with pytest.raises(PackageError, match=r"--bytecode needs python3\.12, which is not on this machine"):
        compiled("--bytecode")
