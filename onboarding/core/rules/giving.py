"""A person gives what a step lacks: the certificates of the trunks, which it could not see or found wrong."""

from __future__ import annotations

from onboarding.core.draft import Draft
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import CertificatesGiven
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import StepRecord, StepState
from onboarding.core.rules.steps import because, expect_going_on, known_step
from onboarding.core.rules.transition import RefusedError, Rules, Transition

_LACKS_THEM = frozenset({ProblemCode.CERTIFICATE_UNKNOWN, ProblemCode.CERTIFICATE_WRONG})


def lacks_certificates(step: StepRecord) -> bool:
    """Whether it goes on with other certificates than it has seen."""
    return step.state is StepState.NEEDS_ATTENTION and step.problem is not None and step.problem.code in _LACKS_THEM


def certificates_given(h: CertificatesGiven, draft: Draft) -> Transition | None:
    """They are the request's from now on, in place of those before; and the step looks at them at once."""
    step = known_step(draft, h.step)
    if not lacks_certificates(step):
        raise RefusedError(
            f"'{h.step}' asks for no certificates: it is {step.state}{because(draft, step)}; only a step that needs"
            " attention because of some does."
        )
    expect_going_on(draft, f"'{h.step}' cannot go on")
    # A kind whose trunks have certificates has this field.
    draft.set(request=draft.record.request.model_copy(update={"certificate": h.certificate}))
    draft.withdraw(h.step)
    draft.begin(h.step)
    return Transition(EventKind.CERTIFICATES_GIVEN, h.step, "", h.actor)


GIVING_RULES: Rules = {CertificatesGiven: certificates_given}
