"""The onboarding team, simulated: it puts a TXT record into DNS some time after it was told about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.microsoft.graph.state import Directory
from sandbox.microsoft.options import Options
from sandbox.microsoft.zone import Records


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the team listens, and what it looks for in a text."""

    channels: tuple[str, ...]
    pattern: str


TXT_SHARED = Rule(channels=("mailbox", "teams"), pattern=r"MS=ms\d{8}")
"""A mail or a Teams message that has the verification value of a domain of the tenant."""


@dataclass
class OnboardingTeam:
    """Hears what reaches its channels and acts on it once."""

    directory: Directory
    records: Records
    options: Options
    rule: Rule = TXT_SHARED

    def hear(self, channel: str, text: str) -> None:
        """Plan a TXT record for each value in the text that proves a domain of the tenant."""
        if channel not in self.rule.channels or self.options.dns_delay is None:
            return
        for value in dict.fromkeys(re.findall(self.rule.pattern, text)):
            domain = self.directory.domain_of_text(value)
            if domain and not self._is_done(domain, value):
                self.records.plan(domain, value, self.options.dns_delay)

    def _is_done(self, domain: str, value: str) -> bool:
        planned = any(plan.name == domain and plan.value == value for plan in self.records.planned)
        return planned or value in self.records.values("resolver", domain)
