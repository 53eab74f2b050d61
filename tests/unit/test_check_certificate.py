"""The step that looks at the certificates of trunks, in an onboarding of a made-up kind that has some."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

import azure.functions as func
import pytest

from onboarding.core.certificate_chain import CertificateChain
from onboarding.core.events import CertificatesGiven, Confirmed, RetryRequested
from onboarding.core.plan import NewStep
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Record, StepState
from onboarding.core.request import Gateway, KindWords, OnboardingRequest
from onboarding.core.rules import RefusedError
from onboarding.kinds import KINDS, read_request
from onboarding.memory import ManualClock
from onboarding.ports import TlsAnswer
from onboarding.rows import OPEN, from_row, to_row
from onboarding.steps import LIBRARY
from onboarding.steps.check_certificate import CertificatesFound
from sandbox.microsoft.issuer import FOR_CLIENTS, Issuer, Made, ders, pem
from tests.support import requests
from tests.support.http import Api, app_settings, content
from tests.support.system import System

NOW = ManualClock().now()
KIND = "border-post"
ONE, TWO = "sbc1.contoso.com", "sbc2.contoso.com"
ID = "post-0123456789"
CHECK = "check-certificate"
ROOT = Issuer.root("Public Root", NOW)
BELOW = ROOT.below("Public CA", now=NOW)


class BorderPost(Gateway):
    kind: Literal["border-post"]
    name: str
    trunks: tuple[str, ...] = (ONE, TWO)

    @property
    def key(self) -> str:
        return self.name

    @property
    def onboarding_id(self) -> str:
        return f"{self.name.lower()}-0123456789"


class BorderRequest(OnboardingRequest):
    words: ClassVar[KindWords] = KindWords("Border Post", "Crossing borders")
    gateway: BorderPost
    certificate: CertificateChain | None = None

    @property
    def trunk_addresses(self) -> tuple[tuple[str, int], ...]:
        return tuple((name, 5061) for name in self.gateway.trunks)

    @property
    def certificate_text(self) -> str | None:
        return self.certificate

    def plan(self) -> tuple[NewStep, ...]:
        return (LIBRARY[CHECK].planned(),)


@pytest.fixture(autouse=True)
def border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, KIND, BorderRequest)


def body(**more: Any) -> dict[str, Any]:
    made = requests.operator_connect(gateway={"kind": KIND, "name": "Post"}, **more)
    del made["environment"]
    return made


def chain(*names: str, **made: Any) -> Sequence[Any]:
    return (BELOW.issue(Made(names=names, **made), now=NOW), BELOW.certificate)


def system() -> System:
    made = System()
    made.outside.tls.trusted += ders([ROOT.certificate])
    return made


async def begun(made: System, **more: Any) -> Record:
    record = (await made.engine.request(read_request(body(**more)), "ada", again=False)).record
    while await made.deliver():
        pass
    return await made.record(record.id)


def problem_of(record: Record) -> tuple[str, str, str]:
    step = record.step(CHECK)
    assert step.state is StepState.NEEDS_ATTENTION
    assert step.problem is not None
    return step.problem.code, step.problem.seen, step.problem.what_next


async def test_trunks_that_show_good_certificates_end_the_step_with_what_was_seen() -> None:
    made = system()
    made.outside.tls.serve(ONE, 5061, *ders(chain("*.contoso.com")))
    made.outside.tls.serve(TWO, 5061, *ders(chain(TWO, ends=timedelta(days=20))))
    record = await begun(made)
    step = record.step(CHECK)
    assert step.state is StepState.DONE
    assert step.detail == (
        "The certificates of 2 trunks are good. sbc1.contoso.com: '*.contoso.com' by 'Public CA', until 2027-01-05;"
        " sbc2.contoso.com: 'sbc2.contoso.com' by 'Public CA', until 2026-01-25. 1 remark."
    )
    found = CertificatesFound.model_validate(step.found)
    assert found.certificates_valid_until == NOW + timedelta(days=20)
    assert found.values()[0].text == "2026-01-25"
    heading, lines = found.remarks() or ("", ())
    assert heading == "About the certificates"
    assert lines[0].startswith("sbc2.contoso.com: the certificate ends on 2026-01-25 09:00 UTC, in 20 days.")
    assert from_row(to_row(record, OPEN)) == record


async def test_everything_that_is_wrong_of_all_trunks_stands_in_one_list() -> None:
    made = system()
    made.outside.tls.serve(ONE, 5061, *ders(chain("other.example", ends=timedelta(hours=-1))))
    made.outside.tls.serve(TWO, 5061, *ders(chain(TWO, usages=(FOR_CLIENTS,))[:1]))
    code, seen, what_next = problem_of(await begun(made))
    assert code == ProblemCode.CERTIFICATE_WRONG
    assert [part in seen for part in ("(1) sbc1.contoso.com: the certificate is for another name", "(2)", "(3)", "(4)")]
    assert "sbc2.contoso.com: the certificate is not for servers" in seen
    assert "sbc2.contoso.com: the chain is incomplete" in seen
    assert what_next.startswith("(1) Have a certificate issued for that name, install it")


async def test_more_than_a_problem_has_room_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"{'a' * 60}{number}.contoso.com" for number in range(9))
    monkeypatch.setattr(BorderRequest, "trunk_addresses", tuple((name, 5061) for name in names))
    made = system()
    for name in names:
        made.outside.tls.serve(name, 5061, *ders(chain("other.example")))
    _, seen, _ = problem_of(await begun(made))
    assert len(seen) <= 1000
    assert seen.endswith("… and 6 more")
    monkeypatch.setattr(BorderRequest, "trunk_addresses", tuple((f"{name}.{'b' * 60}", 5061) for name in names))
    for name in names:
        for label in "abcdefgh":
            made.outside.tls.answers.pop((f"{name}.{label}", 5061), None)
    _, seen, _ = problem_of(await begun(system()))
    assert (len(seen), seen[-1]) == (1000, "…")


async def test_a_trunk_that_can_not_be_reached_is_nothing_against_it_and_a_person_confirms() -> None:
    made = system()
    made.outside.tls.serve(ONE, 5061, *ders(chain(ONE)))
    record = await begun(made)
    code, seen, what_next = problem_of(record)
    assert code == ProblemCode.CERTIFICATE_UNKNOWN
    assert seen.startswith(
        "sbc2.contoso.com: the certificate could not be seen from here: the connection was refused. That says nothing"
        " against it"
    )
    assert what_next.startswith("Give its chain as PEM")
    await made.engine.happen(record.id, Confirmed(CHECK, "ada", "seen on the box"))
    assert (await made.record(record.id)).step(CHECK).state is StepState.DONE


async def test_what_a_trunk_shows_that_is_no_certificate_is_not_held_against_it() -> None:
    made = system()
    made.outside.tls.answers[ONE, 5061] = TlsAnswer((b"nonsense",))
    made.outside.tls.serve(TWO, 5061, *ders(chain(TWO)))
    code, seen, _ = problem_of(await begun(made))
    assert code == ProblemCode.CERTIFICATE_UNKNOWN
    assert "it shows something at place 1, but what stands there can't be read as an X.509 certificate" in seen


async def test_what_was_given_is_looked_at_and_no_trunk_is_asked() -> None:
    made = system()
    record = await begun(made, certificate=pem([*chain(ONE), *chain(TWO)]))
    assert record.step(CHECK).detail.startswith("As they were given, the certificates of 2 trunks are good.")
    assert "chain" not in made.outside.tls.faults.calls
    assert from_row(to_row(record, OPEN)) == record


async def test_what_the_table_holds_as_certificates_is_looked_at_like_what_anybody_sends() -> None:
    made = system()
    record = await begun(made, certificate=pem(chain("other.example")))
    spoilt = record.model_copy(update={"request": record.request.model_copy(update={"certificate": "nonsense"})})
    await made.records.save((await made.records.load(ID)), spoilt.model_copy(update={"version": record.version + 1}))
    await made.engine.happen(ID, RetryRequested(CHECK, "ada"))
    while await made.deliver():
        pass
    code, seen, _ = problem_of(await made.record(ID))
    assert code == ProblemCode.CERTIFICATE_WRONG
    assert seen.startswith("The text that the record holds as the trunks' certificates must be certificates as PEM")


async def test_a_request_without_trunks_has_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BorderRequest, "trunk_addresses", ())
    record = await begun(system())
    assert "names no trunks" in record.step(CHECK).detail


async def test_certificates_that_are_given_later_are_checked_at_once() -> None:
    made = system()
    record = await begun(made)
    given = CertificatesGiven(CHECK, "ada", pem(chain("*.contoso.com")))
    await made.engine.happen(record.id, given)
    while await made.deliver():
        pass
    record = await made.record(record.id)
    assert record.step(CHECK).state is StepState.DONE
    assert record.request.certificate_text == given.certificate.strip()
    assert [(e.what, e.actor) for e in await made.events(record.id) if e.what == "certificates-given"] == [
        ("certificates-given", "ada")
    ]


async def test_a_step_that_does_not_ask_for_certificates_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BorderRequest, "plan", lambda request: [LIBRARY[n].planned() for n in (CHECK, "portal-access")])
    made = system()
    made.outside.tls.serve(ONE, 5061, *ders(chain(ONE)))
    made.outside.tls.serve(TWO, 5061, *ders(chain(TWO)))
    record = await begun(made)
    with pytest.raises(RefusedError, match="asks for no certificates: it is done"):
        await made.engine.happen(record.id, CertificatesGiven(CHECK, "ada", pem(chain(ONE))))


SECRET = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
KEY = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """With an onboarding that asks for certificates."""
    made = Api(monkeypatch, settings=app_settings(sandbox_user="olga.operator", link_key="k" * 40))
    made.system.outside.tls.trusted += ders([ROOT.certificate])
    await made.post("onboardings", body())
    await made.system.deliver()
    return made


async def test_they_are_given_on_the_page_and_a_key_is_not_shown_again(api: Api) -> None:
    page = (await api.get(f"dashboard/{ID}", accept="text/html")).get_body().decode()
    form = page.partition(f"do-give-certificates-{CHECK}")[2].partition("</form>")[0]
    assert re.search(r'<textarea[^>]* name="certificate"[^>]* maxlength="12000" spellcheck="false"[^>]*>', form)
    csrf = re.search(r'name="csrf" value="([^"]*)"', form)
    assert csrf
    fields = {"csrf": html.unescape(csrf[1]), "action": "give-certificates", "step": CHECK}

    async def sent(text: str) -> func.HttpResponse:
        asked = urlencode({**fields, "certificate": text.replace("\n", "\r\n")}).encode()
        return await api.post(f"dashboard/{ID}/actions", asked, content_type="application/x-www-form-urlencoded")

    for text, says in (
        (KEY, "Certificates as PEM text: the text holds a private key, so none of it was kept."),
        ("", "Certificates as PEM text is missing."),
        ("hello", "Certificates as PEM text: the text must be certificates as PEM text, each from"),
    ):
        refused = await sent(text)
        answer = html.unescape(refused.get_body().decode())
        assert (refused.status_code, says in answer, SECRET in answer) == (400, True, False)
    longest = pem([*chain("*.contoso.com"), *[BELOW.certificate] * 10])
    assert 6_000 < len(longest) < 12_000
    assert (await sent(longest)).status_code == 303
    await api.system.deliver()
    assert (await api.system.record(ID)).step(CHECK).state is StepState.DONE


async def test_they_are_given_by_the_api_and_a_key_is_never_answered_or_kept(api: Api) -> None:
    shown = content(await api.get(f"onboardings/{ID}"))
    [offer] = [a for a in shown["allowedActions"] if a["name"] == "give-certificates"]
    where = offer["href"].removeprefix("/api/")
    refused = await api.post(where, {"certificate": KEY})
    assert refused.status_code == 400
    assert "holds a private key" in json.dumps(content(refused))
    broken = await api.post(where, '{"certificate": "' + KEY + '"}')
    for answer in (refused, broken):
        assert (answer.status_code, SECRET in answer.get_body().decode()) == (400, False)
    assert SECRET not in to_row(await api.system.record(ID), OPEN).columns["Tail"]
    answer = await api.post(where, {"certificate": pem(chain("*.contoso.com"))})
    assert answer.status_code == 200
    await api.system.deliver()
    assert (await api.system.record(ID)).step(CHECK).state is StepState.DONE


def test_a_gateway_without_trunks_has_none_and_no_certificates() -> None:
    request = requests.parsed(requests.operator_connect())
    assert (request.trunk_addresses, request.certificate_text) == ((), None)
