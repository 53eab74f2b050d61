"""A pause that Microsoft asked for is kept by everything in the process, to the second, without a call."""

from __future__ import annotations

import pytest

from onboarding.azure.answers import MicrosoftAnswer
from onboarding.azure.cooldown import Cooldown
from onboarding.core.problems import TryLaterError


class Seconds:
    """A clock in hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("status", [429, 503])
def test_no_call_before_retry_after_has_passed(status: int) -> None:
    clock = Seconds()
    cooldown = Cooldown("Microsoft Graph", clock)
    cooldown.check()
    cooldown.heed(MicrosoftAnswer(status, {"retry-after": "10"}))
    cooldown.heed(MicrosoftAnswer(status, {"retry-after": "2"}))
    clock.now += 9.5
    with pytest.raises(TryLaterError, match="Microsoft Graph asked for a pause; 1 s of it are left") as error:
        cooldown.check()
    assert error.value.retry_after == pytest.approx(0.5)
    clock.now += 0.5
    cooldown.check()


@pytest.mark.parametrize(
    "answer",
    [MicrosoftAnswer(200, {"retry-after": "9"}), MicrosoftAnswer(201, {"retry-after": "9"}), MicrosoftAnswer(429)],
)
def test_an_answer_that_asks_for_no_pause_makes_none(answer: MicrosoftAnswer) -> None:
    cooldown = Cooldown("Azure Resource Manager", Seconds())
    cooldown.heed(answer)
    cooldown.check()
