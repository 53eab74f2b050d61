"""What people are told to do: words, names and commands, with what is known in place of what is not."""

from __future__ import annotations

import pytest

from onboarding.core.advice import AdviceKind, advice_parts, filled_in

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
