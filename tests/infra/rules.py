"""The alert rules of infra/modules/alerts.bicep, and when Azure Monitor fires them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tests.infra.workspace import Workspace
from tests.support.bicep.source import properties, read
from tests.support.bicep.values import value

MODULE = (Path(__file__).parents[2] / "infra" / "modules" / "alerts.bicep").resolve()
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqual": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
}
"""Source: Microsoft.Insights/scheduledQueryRules, `Condition`."""
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

    def rows(self, workspace: Workspace, now: datetime) -> list[dict[str, Any]]:
        """The answer at one evaluation: the query sees its window alone."""
        return workspace.ask(self.query, now - self.window, now)

    def fires(self, workspace: Workspace, now: datetime) -> bool:
        """Whether the evaluation at this time fires it, or keeps it fired."""
        times = [now - i * self.every for i in range(self.periods)]
        beyond = [t for t in times if self.holds(len(self.rows(workspace, t)), self.threshold)]
        return len(beyond) >= self.failing


def rules() -> dict[str, Rule]:
    """By name, without its prefix.

    Raises:
        ValueError: a rule is of a sort that is not known here.
    """
    source = read(MODULE)
    listed = source.symbols["rules"].value
    assert listed is not None
    given = properties(source.symbols["rule"].object)["properties"]
    return {
        each["name"]: _rule(each["name"], value(source, given, {"each": each})) for each in value(source, listed, {})
    }


def _rule(name: str, given: Mapping[str, Any]) -> Rule:
    (criterion,) = given["criteria"]["allOf"]
    known = {"query", "timeAggregation", "operator", "threshold", "failingPeriods"}
    if not given["enabled"] or criterion["timeAggregation"] != "Count" or set(criterion) != known:
        raise ValueError(f"the rule {name} is off or counts no rows: {criterion}; teach tests/infra/rules.py its sort")
    periods = criterion["failingPeriods"]
    return Rule(
        name,
        criterion["query"],
        _duration(given["evaluationFrequency"]),
        _duration(given.get("overrideQueryTimeRange", given["windowSize"])),
        OPERATORS[criterion["operator"]],
        criterion["threshold"],
        periods["numberOfEvaluationPeriods"],
        periods["minFailingPeriodsToAlert"],
    )
