"""Every route, as data: the triggers, the OpenAPI description, the documentation and the tests derive from it."""

from __future__ import annotations

from onboarding.http import api
from onboarding.http.access import Role
from onboarding.http.call import Route

ROUTES: tuple[Route, ...] = (
    Route("post_onboarding", "POST", "onboardings", Role.SUBMIT, api.post_onboarding),
    Route("get_onboarding", "GET", "onboardings/{id}", Role.READ, api.get_onboarding),
    Route("get_events", "GET", "onboardings/{id}/events", Role.READ, api.get_events),
    Route("confirm_checkpoint", "POST", "onboardings/{id}/checkpoints/{step}", Role.APPROVE, api.confirm),
    Route("retry_step", "POST", "onboardings/{id}/steps/{step}/retry", Role.OPERATE, api.retry),
    Route("check_wait", "POST", "onboardings/{id}/steps/{step}/check", Role.OPERATE, api.check),
    Route("cancel_onboarding", "POST", "onboardings/{id}/cancel", Role.OPERATE, api.cancel),
)
