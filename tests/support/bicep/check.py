"""Everything that can be found wrong in a folder of Bicep files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pycep import BicepParser
from tree_sitter import Node

from tests.support.bicep.arm import unknown_properties
from tests.support.bicep.names import unknown, unused
from tests.support.bicep.source import Declared, Source, properties, read, text, walk
from tests.support.bicep.values import loaded, missing_keys, module_output, type_of

_TYPE = re.compile(r"[A-Z][\w.]+(?:/\w+)+@(?:\d{4}-\d{2}-\d{2}(?:-preview)?|v1\.0)")


def findings(main: Path, parameters: Path) -> list[str]:
    """What is wrong with `main`, with every Bicep file beside and below it, and with its parameters file."""
    found = []
    reached = set(_reached(main.resolve()))
    for path in sorted(main.parent.rglob("*.bicep")):
        name = str(path.relative_to(main.parent))
        found += [f"{name}: {what}" for what in _of_file(path.resolve())]
        if path.resolve() not in reached:
            found.append(f"{name}: no module uses it")
    return found + [f"{parameters.name}: {what}" for what in _of_parameters(read(main.resolve()), parameters)]


def unreadable(path: Path) -> str | None:
    """Why pycep, whose grammar is strict, can't read a file; None when it can. It takes seconds for a long one."""
    try:
        BicepParser().parse(file_path=path)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises says that it could not read the file
        return f"{path.name}: {str(error).strip().splitlines()[0]}"
    return None


def _reached(path: Path) -> Iterator[Path]:
    yield path
    for module in read(path).of("module"):
        target = (path.parent / module.target).resolve()
        if target.exists():
            yield from _reached(target)


def _of_file(path: Path) -> Iterator[str]:
    source = read(path)
    yield from source.errors
    if source.errors:
        return
    for kind, names in (("name", [d.name for d in source.all if d.kind != "output"]), ("output", list(source.outputs))):
        yield from (f"{kind} '{name}' is declared twice" for name, times in Counter(names).items() if times > 1)
    yield from unknown(source)
    yield from unused(source)
    for line, file in loaded(source):
        if not file.exists():
            yield f"line {line}: there is no file {file.name}"
        elif file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
    yield from missing_keys(source)
    yield from unknown_properties(source)
    for param in source.of("param"):
        yield from _default(source, param)
    for resource in source.of("resource"):
        yield from _resource(source, resource)
    for module in source.of("module"):
        yield from _module(source, module)
    yield from _outputs(source)


def _default(source: Source, param: Declared) -> Iterator[str]:
    if param.type is None:
        yield f"line {param.line}: param '{param.name}' has no type"
    elif param.value is not None:
        yield from _given(source, param, param.value)


def _resource(source: Source, resource: Declared) -> Iterator[str]:
    if not _TYPE.fullmatch(resource.target):
        yield f"line {resource.line}: '{resource.target}' is no type with an API version"
    if "name" not in resource.body and "uniqueName" not in resource.body and "appId" not in resource.body:
        yield f"line {resource.line}: resource '{resource.name}' has no name"
    parent = resource.body.get("parent")
    if parent is None:
        return
    names = [n.text.decode() for n in walk(parent) if n.type == "identifier"]
    holder = source.symbols.get(names[0])
    if holder is None or holder.kind != "resource":
        yield f"line {resource.line}: the parent of '{resource.name}' is no resource"
    elif resource.target.partition("@")[0].rpartition("/")[0] != holder.target.partition("@")[0]:
        yield f"line {resource.line}: '{resource.target}' can't be a child of '{holder.target}'"


def _module(source: Source, module: Declared) -> Iterator[str]:
    path = (source.path.parent / module.target).resolve()
    if not path.exists():
        yield f"line {module.line}: there is no module {module.target}"
        return
    target = read(path)
    params = {p.name: p for p in target.of("param")}
    given = properties(module.body["params"]) if "params" in module.body else {}
    for name, param in params.items():
        required = param.value is None and not _nullable(param)
        if required and name not in given:
            yield f"line {module.line}: module '{module.name}' lacks the parameter '{name}' of {module.target}"
    for name, node in given.items():
        if name not in params:
            yield f"line {node.start_point[0] + 1}: {module.target} has no parameter '{name}'"
        else:
            yield from _given(source, params[name], node)
    if target.scope != source.scope and "scope" not in module.body:
        yield f"line {module.line}: module '{module.name}' needs a scope: {module.target} is for a {target.scope}"


def _given(source: Source, param: Declared, node: Node) -> Iterator[str]:
    where, kind = f"line {node.start_point[0] + 1}: '{param.name}'", type_of(source, node)
    if kind and kind != param.type:
        yield f"{where} takes {param.type}, and is given {kind}"
    allowed = param.decorators.get("allowed")
    if allowed is not None and node.type in ("string", "number"):
        values = [c.text for c in allowed.named_children[1].named_children[0].named_children]
        if node.text not in values:
            yield f"{where} may not be {node.text.decode()}"
    names = {n.text.decode() for n in walk(node) if n.type == "identifier"} if node.type == "identifier" else set()
    secret = [n for n in names if n in source.symbols and "secure" in source.symbols[n].decorators]
    if secret and "secure" not in param.decorators:
        yield f"{where} isn't @secure, and is given the secret '{secret[0]}'"


def _outputs(source: Source) -> Iterator[str]:
    for node in walk(source.root):
        found = module_output(source, node)
        if found and found[2] not in found[1].outputs:
            yield f"line {node.start_point[0] + 1}: module '{found[0]}' has no output '{found[2]}'"


def _of_parameters(main: Source, file: Path) -> Iterator[str]:
    given = json.loads(file.read_text(encoding="utf-8"))["parameters"]
    params = {p.name: p for p in main.of("param")}
    for name, param in params.items():
        if name not in given:
            yield f"param '{name}' of {main.path.name} isn't set"
            continue
        raw = given[name]["value"]
        asked = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", raw)
        if asked is None:
            yield f"'{raw}' isn't of the form ${{NAME=default}}"
        elif asked[2] is None and param.value is not None:
            yield f"'{name}' has a default in {main.path.name}, and none here: azd would ask for it"
        elif asked[2] is not None and param.value is not None and asked[2] != text(param.value):
            yield f"'{name}' is '{text(param.value)}' in {main.path.name} when nothing is said, and '{asked[2]}' here"
    yield from (f"{main.path.name} has no param '{name}'" for name in given if name not in params)


def _nullable(param: Declared) -> bool:
    return any(c.type == "type" and c.text.decode().endswith("?") for c in param.node.named_children)
