"""What people are told to do: words, names and commands, with what is known in place of what is not."""

from __future__ import annotations

import pytest

from onboarding.core.advice import AdviceKind, advice_parts, filled_in, in_real_names, known_of
from onboarding.core.events import Postponed, Started, Stopped
from onboarding.core.record import Problem
from onboarding.steps.add_domain import DomainFound
from tests.support.records import after, finding, new

GRANT = "infra/permissions/grant.sh --identity abc --only Domain.Read.All"


def test_a_text_is_its_words_its_names_and_its_commands() -> None:
    found = [(part.kind, part.text) for part in advice_parts(f"Compare `problem.proposal`: `{GRANT}`, then retry.")]
    assert found == [
        (AdviceKind.WORDS, "Compare "),
        (AdviceKind.NAME, "problem.proposal"),
        (AdviceKind.WORDS, ": "),
        (AdviceKind.COMMAND, GRANT),
        (AdviceKind.WORDS, ", then retry."),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "az lock list",
        "azd provision",
        "infra/permissions/grant-mail.ps1 -Identity x",
        "infra/permissions/add-project-synergy.sh",
        "Get-ApplicationAccessPolicy",
        "Update-MgDomain -DomainId contoso.com",
    ],
)
def test_what_is_pasted_is_a_command(command: str) -> None:
    assert [part.kind for part in advice_parts(f"`{command}`")] == [AdviceKind.COMMAND]


@pytest.mark.parametrize("name", ["notify", "azurite", "ONBOARDING_MAIL_SENDER", "PartnerSettings.Read"])
def test_what_is_a_name_is_not(name: str) -> None:
    assert [part.kind for part in advice_parts(f"`{name}`")] == [AdviceKind.NAME]


def test_a_text_without_any_is_words_and_an_open_quote_stays() -> None:
    assert [part.text for part in advice_parts("Retry.")] == ["Retry."]
    assert [part.text for part in advice_parts("a ` b")] == ["a ` b"]
    assert advice_parts("") == ()


def test_what_is_known_is_filled_in_and_what_is_not_stays() -> None:
    text = 'az x --name <app> --to "<client id>" --at <scope>'
    assert filled_in(text, {"app": "contoso", "client id": "123", "scope": None}) == (
        "az x --name contoso --to 123 --at <scope>"
    )


def test_a_problem_says_what_to_do_with_the_real_names() -> None:
    record = after("verify-domain")
    assert known_of(record) == {"domain": None}
    known = {"client id": "123"}
    problem = Problem(code="blocked", seen="403", what_next="Run `az x --to <client id>` for <domain>.")
    told = in_real_names(Stopped("verify-domain", 1, problem), record, known)
    assert isinstance(told, Stopped)
    assert told.problem.what_next == "Run `az x --to 123` for <domain>."
    late = in_real_names(Postponed("verify-domain", 1, problem, in_the_end="Look at <client id>."), record, known)
    assert isinstance(late, Postponed)
    assert (late.in_the_end, late.problem.what_next) == ("Look at 123.", told.problem.what_next)


def test_a_happening_without_advice_stays_the_very_same() -> None:
    done = Started("verify-domain", 1)
    assert in_real_names(done, new().record, {"client id": "123"}) is done


def test_the_domain_is_the_one_that_was_found() -> None:
    record = finding(after("verify-domain"), "add-domain", DomainFound(domain="contoso.example"))
    assert known_of(record) == {"domain": "contoso.example"}
    assert new().record.request.domain_to_verify is None
