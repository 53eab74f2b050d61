"""ASP.NET route templates, as the Functions host matches them.

Order of specificity: ``RouteComparison`` of WebJobsRouteBuilder.cs (azure-webjobs-sdk-extensions). Templates
and constraints: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints. Literals
match without regard to case, and one slash at the end changes nothing; two in a row match nothing.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import unquote

from sandbox.functions_host.errors import HostError

T = TypeVar("T")
Check = Callable[[str], bool]

_PARAMETER = re.compile(r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\([^)]*\))?)*)(?P<optional>\??)\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^)]*)\))?")


@dataclass(frozen=True)
class _Segment:
    """One piece between slashes. ``parameter`` is the first parameter's rank: how many constraints it has."""

    literal: str
    parameter: int | None


@dataclass(frozen=True)
class Template:
    """A parsed template: a pattern over the whole path, and the checks on the values that it takes out."""

    text: str
    pattern: re.Pattern[str]
    checks: Mapping[str, tuple[Check, ...]]
    segments: tuple[_Segment, ...]
    catch_all: bool

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises HostError for what this host can't match: unknown constraints, defaults, broken braces."""
        checks: dict[str, tuple[Check, ...]] = {}
        segments, pattern = list[_Segment](), ""
        pieces = [piece for piece in text.strip("/").split("/") if piece]
        for number, piece in enumerate(pieces):
            parameters = list(_PARAMETER.finditer(piece))
            if re.search(r"[{}]", _PARAMETER.sub("", piece)):
                raise HostError(f"the route '{text}' has '{piece}', which is no template known here")
            for match in parameters:
                if match["name"] in checks:
                    raise HostError(f"the route '{text}' uses the parameter '{match['name']}' twice")
                checks[match["name"]] = tuple(_checks(text, match["constraints"]))
            bare = len(parameters) == 1 and parameters[0][0] == piece
            last = number == len(pieces) - 1
            if bare and (parameters[0]["star"] or parameters[0]["optional"]):
                if not last:
                    raise HostError(f"the route '{text}' has '{piece}' before its end; only the last part may be so")
                pattern += rf"(?:/(?P<{parameters[0]['name']}>{'.*' if parameters[0]['star'] else '[^/]+'}))?"
            else:
                pattern += "/" + _piece(piece)
            first = parameters[0] if parameters and parameters[0].start() == 0 else None
            segments.append(_Segment(piece.lower(), None if first is None else len(checks[first["name"]])))
        catch_all = bool(pieces) and pieces[-1].startswith("{*")
        return cls(text, re.compile(pattern, re.IGNORECASE), checks, tuple(segments), catch_all)

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a raw (still percent-encoded) path, or None when the path isn't this route's."""
        found = self.pattern.fullmatch(path.removesuffix("/"))
        if found is None:
            return None
        values = {name: _decoded(value) for name, value in found.groupdict().items() if value}
        accepted = all(check(value) for name, value in values.items() for check in self.checks[name])
        return values if accepted else None


class RouteTable(Generic[T]):
    """Routes by specificity; the first whose template and method match is the answer, as on the real host."""

    def __init__(self, routes: Iterable[tuple[Template, frozenset[str] | None, T]]) -> None:
        by_specificity = functools.cmp_to_key(_compare)
        self._routes = sorted(routes, key=lambda route: by_specificity(route[0]))

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """What serves that request. A path with other methods only is None too: 404."""
        for template, methods, target in self._routes:
            if methods is None or method.upper() in methods:
                parameters = template.match(path)
                if parameters is not None:
                    return target, parameters
        return None


def _piece(piece: str) -> str:
    pattern, position = "", 0
    for match in _PARAMETER.finditer(piece):
        pattern += re.escape(piece[position : match.start()]) + rf"(?P<{match['name']}>[^/]+?)"
        position = match.end()
    return pattern + re.escape(piece[position:])


def _decoded(value: str) -> str:
    # Kestrel decodes a path except for %2F, so that an encoded slash never becomes a separator.
    return "%2F".join(unquote(part) for part in re.split("%2f", value, flags=re.IGNORECASE))


def _compare(x: Template, y: Template) -> int:
    for mine, theirs in zip(x.segments, y.segments, strict=False):
        if mine.parameter is None and theirs.parameter is None:
            if mine.literal != theirs.literal:
                return -1 if mine.literal < theirs.literal else 1
        elif mine.parameter is None or theirs.parameter is None:
            return -1 if mine.parameter is None else 1
        elif mine.parameter != theirs.parameter:
            return theirs.parameter - mine.parameter
    # The real host leaves this last tie to chance.
    return len(y.segments) - len(x.segments) or x.catch_all - y.catch_all


def _checks(text: str, constraints: str) -> Iterable[Check]:
    for name, argument in _CONSTRAINT.findall(constraints):
        try:
            yield _check(name.lower(), argument)
        except (KeyError, ValueError, TypeError, re.error) as error:
            raise HostError(f"the route '{text}' has '{name}({argument})', which is no constraint") from error


def _check(name: str, argument: str) -> Check:
    numbers = [int(number) for number in argument.split(",")] if argument and name != "regex" else []
    match name, numbers:
        case "length", [exact]:
            return lambda value: len(value) == exact
        case "length", [least, most]:
            return lambda value: least <= len(value) <= most
        case "minlength", [least]:
            return lambda value: len(value) >= least
        case "maxlength", [most]:
            return lambda value: len(value) <= most
        case "min", [least]:
            return lambda value: _is(int, value) and int(value) >= least
        case "max", [most]:
            return lambda value: _is(int, value) and int(value) <= most
        case "range", [least, most]:
            return lambda value: _is(int, value) and least <= int(value) <= most
        case "regex", _:
            pattern = re.compile(argument, re.IGNORECASE)
            return lambda value: pattern.search(value) is not None
        case _, []:
            return _KINDS[name]
    raise ValueError(name)


def _is(kind: Callable[[str], object], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


_KINDS: dict[str, Check] = {
    "int": lambda value: _is(int, value) and -(2**31) <= int(value) < 2**31,
    "long": lambda value: _is(int, value) and -(2**63) <= int(value) < 2**63,
    "float": lambda value: _is(float, value),
    "double": lambda value: _is(float, value),
    "decimal": lambda value: _is(float, value),
    "bool": lambda value: value.lower() in {"true", "false"},
    "guid": lambda value: _is(uuid.UUID, value),
    "datetime": lambda value: _is(datetime.fromisoformat, value),
    "alpha": lambda value: re.fullmatch("[a-z]*", value, re.IGNORECASE) is not None,
    "required": bool,
}
