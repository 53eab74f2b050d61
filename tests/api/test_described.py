"""Whatever is sent to the API: no server error, and no answer that its description doesn't declare.

Schemathesis makes the requests from the description, some as it allows and some not; the same ones every time.
"""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from onboarding.http.routes import ROUTES
from sandbox.cloud import Cloud
from tests.support.description import description

EXAMPLES = 15
"""For each operation, of each kind."""
LONGEST_ADDRESS, LARGEST_BODY = 8_000, 256 * 1024
"""Characters and bytes beyond which the platform refuses by itself, in its own way (tests/journeys/test_api.py)."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TAKES_INPUT = {"list_onboardings", *(r.name for r in ROUTES if r.changes)}
"""Only these can be sent what isn't allowed: elsewhere it would be another path, which the host knows nothing of."""
KINDS = [(r.name, m) for r in ROUTES for m in GenerationMode if m is GenerationMode.POSITIVE or r.name in TAKES_INPUT]


@pytest.mark.parametrize(("route", "mode"), KINDS, ids=[f"{name}-{mode.value}" for name, mode in KINDS])
def test_no_server_error_and_no_undeclared_answer(
    cloud: Cloud, onboarding_id: str, route: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_dict(description()).find_operation_by_id(route)

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def send(case: Case, there: bool) -> None:
        if there and "id" in case.path_parameters:
            case.path_parameters["id"] = onboarding_id
        response = case.call(base_url=f"{cloud.api}/api", timeout=30)
        sent = response.request
        if len(str(sent.url)) <= LONGEST_ADDRESS and len(sent.body or b"") <= LARGEST_BODY:
            case.validate_response(response, checks=CHECKS)

    send()
