"""One Bicep file: what it declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_KINDS = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
    "user_defined_function": "func",
}


@dataclass(frozen=True)
class Declared:
    """A param, var, resource, module, output or func."""

    kind: str
    name: str
    node: Node
    decorators: Mapping[str, Node] = field(default_factory=dict)

    @property
    def line(self) -> int:
        return self.node.start_point[0] + 1

    @property
    def target(self) -> str:
        """Of a resource: its type and API version. Of a module: its path."""
        return text(next(c for c in self.node.named_children if c.type == "string"))

    @property
    def body(self) -> dict[str, Node]:
        """The properties of a resource or module; below a condition or a loop, too."""
        return properties(self.object)

    @property
    def object(self) -> Node:
        """The object of a resource or module."""
        return _object_in(self.node)

    @property
    def conditional(self) -> bool:
        return any(c.type == "if_statement" for c in self.node.named_children)

    @property
    def value(self) -> Node | None:
        """What a var or output is, or a param when nothing is given."""
        last = self.node.named_children[-1]
        return None if last.type in ("type", "identifier") or last.type.endswith("_type") else last

    @property
    def type(self) -> str | None:
        """string, int, bool, object or array; None when it is not said."""
        declared = [c for c in self.node.named_children[1:] if c.type == "type" or c.type.endswith("_type")]
        if not declared:
            return None
        said = declared[0].text.decode().rstrip("?").strip()
        if said.endswith("[]"):
            return "array"
        return "string" if said.startswith("'") else said


class Source:
    """A file, parsed. `errors` says where it could not be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        raw = path.read_text(encoding="utf-8")
        self.extensions = re.findall(r"^extension (\w+)", raw, re.MULTILINE)
        # tree-sitter's grammar is older than this keyword.
        source = re.sub(r"^extension .*$", lambda m: " " * len(m[0]), raw, flags=re.MULTILINE)
        self.root = _PARSER.parse(source.encode()).root_node
        self.errors = [f"line {n.start_point[0] + 1}: '{_short(n)}' is no Bicep" for n in _broken(self.root)]
        self.scope = "resourceGroup"
        self.all: list[Declared] = list(self._declarations())
        self.symbols = {d.name: d for d in self.all if d.kind != "output"}
        self.outputs = {d.name: d for d in self.all if d.kind == "output"}

    def of(self, kind: str) -> list[Declared]:
        """Everything of one kind, in order."""
        return [d for d in self.all if d.kind == kind]

    def _declarations(self) -> Iterator[Declared]:
        decorators: dict[str, Node] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                for call in (d.named_children[0] for d in node.named_children):
                    decorators[call.named_children[0].text.decode()] = call
            elif node.type == "target_scope_assignment":
                self.scope = text(node.named_children[0])
            elif node.type in _KINDS:
                yield Declared(_KINDS[node.type], node.named_children[0].text.decode(), node, decorators)
                decorators = {}


@cache
def read(path: Path) -> Source:
    """The file, parsed once."""
    return Source(path)


def text(node: Node) -> str:
    """A string as it is written, interpolations included, without its quotes."""
    return node.text.decode().strip("'")


def properties(node: Node) -> dict[str, Node]:
    """Key → value of an object. A key that is made from a name is written as in the file: `${name}`."""
    found = {}
    for pair in node.named_children:
        if pair.type == "object_property":
            key, value = pair.named_children[0], pair.named_children[-1]
            found[text(key)] = value
    return found


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below."""
    yield node
    for child in node.named_children:
        yield from walk(child)


def _object_in(node: Node) -> Node:
    for child in node.named_children:
        if child.type == "object":
            return child
        if child.type in ("if_statement", "for_statement"):
            return _object_in(child)
    raise AssertionError(f"line {node.start_point[0] + 1}: no object in {_short(node)}")


def _broken(node: Node) -> Iterator[Node]:
    if node.is_error or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _broken(child)


def _short(node: Node) -> str:
    return node.text.decode()[:60].replace("\n", " ")
