"""The alert rules of infra/modules/alerts.bicep, and when Azure Monitor fires them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tests.infra.workspace import Workspace

MODULE = (Path(__file__).parents[2] / "infra" / "modules" / "alerts.bicep").resolve()
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqual": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
}
"""Source: Microsoft.Insights/scheduledQueryRules, `Condition`."""
_LISTED = re.compile(
    r"name: '(?P<name>[\w-]+)'\s+title: .*\s+text: .*\s+look: .*\s+severity: \d\s+"
    r"query: loadTextContent\('(?P<file>[^']+)'\)\s+"
    r"every: '(?P<every>\w+)'\s+over: '(?P<over>\w+)'\s+by: '(?P<by>\w*)'\s+\}"
)
_SHARED = re.compile(
    r"enabled: true\s+scopes: \[\s+workspaceId\s+\]\s+evaluationFrequency: each\.every\s+windowSize: each\.over\s+"
    r"criteria: \{\s+allOf: \[\s+\{\s+query: each\.query\s+timeAggregation: 'Count'\s+"
    r"dimensions: empty\(each\.by\) \? \[\] : \[\s+\{\s+name: each\.by\s+operator: 'Include'\s+"
    r"values: \[\s+'\*'\s+\]\s+\}\s+\]\s+operator: '(?P<operator>\w+)'\s+"
    r"threshold: (?P<threshold>\d+)\s+failingPeriods: \{\s+numberOfEvaluationPeriods: (?P<periods>\d+)\s+"
    r"minFailingPeriodsToAlert: (?P<failing>\d+)\s+\}\s+\}\s+\]"
)
_duration = TypeAdapter(timedelta).validate_python


@dataclass(frozen=True)
class Rule:
    """A log search alert that counts the rows of its query's answer."""

    name: str
    query: str
    every: timedelta
    window: timedelta
    holds: Callable[[float, float], bool]
    threshold: int
    periods: int
    """Of the last so many evaluations ..."""
    failing: int
    """... so many must go beyond the threshold."""
    by: str
    """A column: there is an alert for each of its values, which it names. Empty: one for all."""

    def rows(self, workspace: Workspace, now: datetime) -> list[dict[str, Any]]:
        """The answer at one evaluation: the query sees its window alone."""
        return workspace.ask(self.query, now - self.window, now)

    def alerts(self, workspace: Workspace, now: datetime) -> set[object]:
        """The values of `by` that an alert of their own names at this evaluation."""
        return {row[self.by] for row in self.rows(workspace, now)}

    def fires(self, workspace: Workspace, now: datetime) -> bool:
        """Whether the evaluation at this time fires it, or keeps it fired."""
        times = [now - i * self.every for i in range(self.periods)]
        beyond = [t for t in times if self.holds(len(self.rows(workspace, t)), self.threshold)]
        return len(beyond) >= self.failing


def rules() -> dict[str, Rule]:
    """By name, without its prefix.

    Raises:
        ValueError: the module has rules of another form than is read here.
    """
    module = MODULE.read_text(encoding="utf-8")
    listed, shared = list(_LISTED.finditer(module)), _SHARED.search(module)
    if shared is None or not listed or len(listed) != module.count("query: loadTextContent("):
        raise ValueError(f"{MODULE.name} has a rule that counts no rows, or in another form than {__name__} reads")
    return {rule["name"]: _rule(rule, shared) for rule in listed}


def _rule(own: re.Match[str], shared: re.Match[str]) -> Rule:
    return Rule(
        own["name"],
        (MODULE.parent / own["file"]).read_text(encoding="utf-8"),
        _duration(own["every"]),
        _duration(own["over"]),
        OPERATORS[shared["operator"]],
        int(shared["threshold"]),
        int(shared["periods"]),
        int(shared["failing"]),
        own["by"],
    )
