"""What a step asks of whoever ends it: each kind of answer, every mistake at once, and what becomes of the record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_snake

from onboarding.core.answers import (
    ANSWERS_LENGTH,
    MOST_ITEMS,
    AnswerKind,
    Answers,
    Field,
    read_answers,
    shown_answers,
)
from onboarding.core.decide import RefusedError, decide
from onboarding.core.events import AnswersCorrected, Confirmed, ReopenRequested, SkipRequested
from onboarding.core.instructions import Value
from onboarding.core.reasons import InvalidRequestError
from onboarding.core.record import DETAIL_LENGTH, Record, StepRecord, StepState
from onboarding.rows import OPEN, to_row
from onboarding.steps import LIBRARY
from onboarding.steps.operator_connect import ASK_OPERATOR_ID
from onboarding.upgrade import rebuild_record
from tests.support import requests
from tests.support.records import after

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ID = "1F0E9D8C-7b6a-4958-8473-62514f3e2d1c"

OPERATOR = Field("operatorId", "Operator ID", pattern="^[a-z0-9]{1,20}$", expected="letters and digits, such as op1")
NAME = Field("name", "Name")
PROFILE = Field("profileId", "Profile", AnswerKind.GUID)
PROFILES = Field("profileIds", "Profiles", AnswerKind.GUID, many=True)
VALIDATED = Field("validatedOn", "Validated on", AnswerKind.DATE, ahead=0)
STARTS = Field("startsOn", "Starts on", AnswerKind.DATE, ahead=30)
LAUNCH = Field("launchOn", "Launch", AnswerKind.DATE)
EVIDENCE = Field("evidence", "Evidence", AnswerKind.LINK)
OFFER = Field("offer", "Offer", AnswerKind.CHOICE, choices=("consented", "consentless"))
ALL = (OPERATOR, NAME, PROFILE, PROFILES, VALIDATED, STARTS, LAUNCH, EVIDENCE, OFFER)


def read(given: dict[str, Any], *fields: Field) -> Answers:
    return read_answers(fields or ALL, given, NOW)


def told(given: dict[str, Any], *fields: Field) -> list[tuple[str, str]]:
    """Each field that is refused, and why."""
    with pytest.raises(InvalidRequestError) as refused:
        read(given, *fields)
    return [(reason.field.removeprefix("answers."), reason.message) for reason in refused.value.reasons]


def why(name: str, value: Any) -> str:
    [(field, message)] = told({name: value})
    assert field == name
    return message


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("operatorId", " op1 ", "op1"),
        ("name", "Contoso Ltd.", "Contoso Ltd."),
        ("name", "Конто́со", "Конто́со"),
        ("profileId", f"\t{ID}\n", ID.lower()),
        ("profileIds", [ID, ID.lower(), "2" + ID[1:]], (ID.lower(), "2" + ID[1:].lower())),
        ("validatedOn", "2026-03-02", "2026-03-02"),
        ("validatedOn", "2024-02-29", "2024-02-29"),
        ("startsOn", "2026-04-01", "2026-04-01"),
        ("launchOn", "2999-12-31", "2999-12-31"),
        ("evidence", " https://contoso.sharepoint.com/:w:/s/x?d=1&web=1#p ", "https://contoso.sharepoint.com/:w:/s/x?d=1&web=1#p"),
        ("evidence", "https://wiki:8443", "https://wiki:8443"),
        ("offer", "consented", "consented"),
    ],
)  # fmt: skip
def test_what_is_right_is_kept_in_its_canonical_form(name: str, value: Any, kept: Any) -> None:
    assert read({name: value}) == {name: kept}


@pytest.mark.parametrize("empty", [None, "", "  \n", []])
def test_what_is_empty_is_not_answered(empty: Any) -> None:
    assert read({field.name: empty for field in ALL}) == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("operatorId", "Op 1", "must be letters and digits, such as op1"),
        ("operatorId", 7, "must be a text in quotes: letters and digits, such as op1; it is a number"),
        ("operatorId", True, "must be a text in quotes: letters and digits, such as op1; it is true"),
        ("operatorId", ["op1"], "must be a text in quotes: letters and digits, such as op1; it is a list"),
        ("name", "two\nlines", "must be one line of at most 100 characters"),
        ("name", "turned \u202e round", "must be one line of at most 100 characters"),
        ("name", "x" * 101, "has 101 characters; at most 100 are taken"),
        ("profileId", "contoso", "must be a GUID, such as 1f0e9d8c-7b6a-4958-8473-62514f3e2d1c"),
        ("profileIds", ID, "must be a list in square brackets, and each item a GUID, such as"),
        ("profileIds", [ID] * (MOST_ITEMS + 1), "has 21 items; at most 20 are taken"),
        ("validatedOn", "2.3.2026", "must be a date: year, month and day, such as 2026-03-02"),
        ("validatedOn", "20260302", "must be a date: year, month and day, such as 2026-03-02"),
        ("validatedOn", "2026-02-29", "must be a date: year, month and day, such as 2026-03-02"),
        ("validatedOn", "2026-03-03", "must not be in the future"),
        ("validatedOn", "0206-03-02", "must not be before 2000-01-01"),
        ("startsOn", "2026-04-02", "must be at most 30 days from today; it is 31 days from now"),
        ("startsOn", "9999-12-31", "must be at most 30 days from today"),
        ("evidence", "http://contoso.com/x", "must be a link that begins with https://, such as"),
        ("evidence", "javascript:alert(1)", "must be a link that begins with https://"),
        ("evidence", "https://", "must be a link that begins with https://"),
        ("evidence", "https://[::1", "must be a link that begins with https://"),
        ("evidence", "https://contoso.com/a b", "must be a link that begins with https://"),
        ("evidence", 'https://contoso.com/"><script>', "must be a link that begins with https://"),
        ("evidence", "https://contoso.com\\@evil.example/", "must have no name and no password before its host"),
        ("evidence", "https://cont\u043eso.com/", "must be a link that begins with https://"),
        ("evidence", "https://contoso.com/\u202egnp.exe", "must be a link that begins with https://"),
        ("evidence", "https://contoso.com/" + "x" * 1000, "has 1020 characters; at most 1000 are taken"),
        ("offer", "Consented", "must be 'consented' or 'consentless'"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_expected(name: str, value: Any, says: str) -> None:
    assert why(name, value).startswith(says)


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("https://ada:pa55@contoso.com/x", "must have no name and no password before its host"),
        ("https://x.blob.core.windows.net/a/b?sv=1&sig=pa55", "must hold no secret; its 'sig' is one"),
        ("https://contoso.com/#access_token=pa55", "must hold no secret; its 'access_token' is one"),
        ("https://b.s3.example/?X-Amz-Signature=pa55", "must hold no secret; its 'X-Amz-Signature' is one"),
    ],
)
def test_a_link_that_lets_in_whoever_has_it_is_refused_and_not_repeated(link: str, says: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read({"evidence": link})
    [reason] = refused.value.reasons
    assert reason.message.startswith(says)
    assert "pa55" not in f"{refused.value} {reason.to_json()}"


def test_every_mistake_is_told_at_once_each_with_its_field() -> None:
    needed = replace(NAME, required=True)
    mistakes = {"operatorid": "x", "profileIds": [ID, "x", 1], "validatedOn": "today"}
    assert told(mistakes, needed, OPERATOR, PROFILES, VALIDATED) == [
        ("operatorid", "is no field here; did you mean 'operatorId'?"),
        ("profileIds[1]", "must be a GUID, such as 1f0e9d8c-7b6a-4958-8473-62514f3e2d1c"),
        ("profileIds[2]", f"must be a text in quotes: {PROFILE.words}; it is a number"),
        ("validatedOn", "must be a date: year, month and day, such as 2026-03-02"),
        ("name", "is required, and must be one line of at most 100 characters"),
    ]


def test_a_required_answer_that_is_wrong_is_told_once() -> None:
    needed = replace(PROFILES, required=True)
    assert told({"profileIds": ["x"]}, needed) == [("profileIds[0]", f"must be {PROFILE.words}")]
    assert told({}, needed) == [("profileIds", f"is required, and must be one or more, each {PROFILE.words}")]


def test_what_a_step_does_not_ask_for_is_refused_however_much_it_is() -> None:
    with pytest.raises(InvalidRequestError, match=r"answers\.operatorId: is no field here \(seen: x\)"):
        read_answers((), {"operatorId": "x"}, NOW)
    many = {f"field{n}": "x" * 500 for n in range(1000)}
    with pytest.raises(InvalidRequestError) as refused:
        read(many)
    assert (len(refused.value.reasons), refused.value.more) == (50, "and 950 more")
    assert len(str(refused.value)) < 20_000


def test_all_answers_of_a_step_fit_into_its_row() -> None:
    lines = Field("lines", "Lines", many=True)
    [(field, message)] = told({"lines": [f"{n:02}" + "x" * 98 for n in range(MOST_ITEMS)]}, lines)
    assert field == "answers"
    assert message == f"have 2091 characters together, as JSON; at most {ANSWERS_LENGTH} are taken"


def test_a_correction_leaves_what_it_does_not_name_and_takes_back_what_is_empty() -> None:
    kept = {"operatorId": "op1", "name": "Contoso", "old": "x"}
    assert read_answers(ALL, {"operatorId": "op2", "name": None}, NOW, kept) == {"operatorId": "op2", "old": "x"}
    with pytest.raises(InvalidRequestError, match=r"answers\.name: is required"):
        read_answers((replace(NAME, required=True),), {"name": ""}, NOW, kept)


def test_the_day_that_has_begun_anywhere_is_today() -> None:
    evening = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert read_answers((VALIDATED,), {"validatedOn": "2026-03-03"}, evening)


def test_answers_are_shown_in_the_order_of_their_fields() -> None:
    answers: Answers = {"profileIds": ("a", "b"), "name": "Contoso"}
    assert shown_answers(ALL, answers) == (Value("Name", "Contoso"), Value("Profiles", "a, b"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([f.name for f in ALL]) | st.text(max_size=10), VALUES, max_size=5))
def test_whatever_is_sent_is_read_or_refused_with_reasons(sent: dict[str, Any]) -> None:
    try:
        answers = read(sent)
    except InvalidRequestError:
        return
    assert read({name: list(v) if isinstance(v, tuple) else v for name, v in answers.items()}) == answers


@given(st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_no_link_leads_elsewhere_than_it_says(link: str) -> None:
    try:
        kept = read({"evidence": link})["evidence"]
    except InvalidRequestError:
        return
    assert isinstance(kept, str)
    seen = urlsplit(kept)
    assert (seen.scheme, seen.username, seen.password) == ("https", None, None)
    assert seen.hostname
    assert kept.isprintable()
    assert not set(kept) & set(" <>\"'\\")


# -- the record --------------------------------------------------------------------------------------------------------

STEP = "portal-access"


def opened(*asks: Field) -> Record:
    """An onboarding whose portal-access is open, and asks for these."""
    record = after(STEP)
    planned = record.step(STEP).plan.model_copy(update={"asks": asks})
    steps = tuple(s.model_copy(update={"plan": planned}) if s.name == STEP else s for s in record.steps)
    return record.model_copy(update={"steps": steps})


def confirm(record: Record, note: str = "", **answers: Any) -> Record:
    return decide(record, Confirmed(STEP, "ada", note, answers), NOW).record


def correct(record: Record, **answers: Any) -> Record:
    return decide(record, AnswersCorrected(STEP, "olga", "A slip.", answers), NOW).record


def test_what_was_answered_stands_on_the_step_for_later_ones_and_in_the_trail() -> None:
    record = confirm(opened(OPERATOR, PROFILES), "All is well.", profileIds=[ID], operatorId=" op1 ")
    assert record.step(STEP).answers == {"operatorId": "op1", "profileIds": (ID.lower(),)}
    assert record.step(STEP).answered == (Value("Operator ID", "op1"), Value("Profiles", ID.lower()))
    assert (record.answer("operatorId"), record.answer("offer")) == ("op1", None)
    event = record.tail[-1]
    assert (event.what, event.actor) == ("confirmed", "ada")
    assert event.detail == f"Operator ID: op1\nProfiles: {ID.lower()}\nAll is well."
    assert event.changes[f"steps.{STEP}.answers"] == ({}, {"operatorId": "op1", "profileIds": [ID.lower()]})


def test_a_required_answer_that_is_missing_is_refused_and_nothing_else_is_taken() -> None:
    record = opened(replace(OPERATOR, required=True), EVIDENCE)
    with pytest.raises(InvalidRequestError, match=r"answers\.operatorId: is required, and must be letters and digits"):
        confirm(record, evidence="https://contoso.com/x")
    assert confirm(record, operatorId="op1").step(STEP).state is StepState.DONE


def test_leaving_a_step_out_needs_no_answer() -> None:
    record = opened(replace(OPERATOR, required=True))
    skipped = decide(record, SkipRequested(STEP, "olga", "done elsewhere", insist=True), NOW).record
    assert (skipped.step(STEP).state, skipped.step(STEP).answers) == (StepState.SKIPPED, {})


def test_a_step_that_was_planned_before_there_were_fields_is_confirmed_without() -> None:
    record = confirm(opened(), "done")
    assert (record.step(STEP).state, record.step(STEP).answers, record.tail[-1].detail) == (StepState.DONE, {}, "done")
    stored = record.step(STEP).to_json()
    del stored["answers"]
    assert StepRecord.model_validate(stored) == record.step(STEP)


def test_what_is_asked_stands_on_the_record_with_its_labels() -> None:
    record = opened(OPERATOR, replace(EVIDENCE, required=True), OFFER)
    stored = record.step(STEP).to_json()
    assert stored["plan"]["asks"] == [
        {"name": "operatorId", "label": "Operator ID", "pattern": OPERATOR.pattern, "expected": OPERATOR.expected},
        {"name": "evidence", "label": "Evidence", "kind": "link", "required": True},
        {"name": "offer", "label": "Offer", "kind": "choice", "choices": ["consented", "consentless"]},
    ]
    assert StepRecord.model_validate(stored) == record.step(STEP)


def test_a_step_that_is_taken_back_has_no_answers_any_more() -> None:
    record = confirm(opened(OPERATOR), operatorId="op1")
    reopened = decide(record, ReopenRequested(STEP, "olga", "Another portal."), NOW).record
    assert (reopened.step(STEP).answers, reopened.answer("operatorId")) == ({}, None)


def test_a_correction_tells_before_and_after_and_why() -> None:
    record = confirm(opened(OPERATOR, NAME, EVIDENCE), operatorId="op1", name="Contoso")
    record = correct(record, operatorId="op2", evidence="https://contoso.com/x")
    assert record.step(STEP).answers == {"operatorId": "op2", "name": "Contoso", "evidence": "https://contoso.com/x"}
    event = record.tail[-1]
    assert (event.what, event.actor) == ("answers-corrected", "olga")
    assert event.detail == "Operator ID: op2 (before: op1)\nEvidence: https://contoso.com/x (before: nothing)\nA slip."
    before, after_ = event.changes[f"steps.{STEP}.answers"]
    assert (before["operatorId"], after_["operatorId"]) == ("op1", "op2")
    assert rebuild_record(record.tail) is not None


def test_only_answers_of_a_step_that_is_done_can_be_corrected() -> None:
    with pytest.raises(RefusedError, match="'portal-access' has no answers that can be corrected: it is a checkpoint"):
        correct(opened(OPERATOR), operatorId="op1")
    with pytest.raises(RefusedError, match="only those of a step that is done, and asks for something, can be"):
        correct(confirm(opened()), operatorId="op1")
    done = confirm(opened(OPERATOR, replace(NAME, correctable=False)), operatorId="op1", name="Contoso")
    with pytest.raises(InvalidRequestError, match=r"answers\.name: is no field here; expected is 'operatorId'"):
        correct(done, name="Fabrikam")
    with pytest.raises(RefusedError, match="There is nothing to correct"):
        correct(done, operatorId="op1")
    with pytest.raises(InvalidRequestError, match=r"answers\.operatorId: must be letters and digits"):
        correct(done, operatorId="OP 2")


def test_a_record_with_all_that_can_be_answered_fits_into_its_row() -> None:
    """Each checkpoint with as much as one takes, and each step with as much to say as there can be."""
    lines = Field("lines", "Lines", many=True)
    whole = {"lines": tuple(f"{n:02}" + "電" * 15 for n in range(MOST_ITEMS))}
    assert ANSWERS_LENGTH - 100 < len(json.dumps(whole)) <= ANSWERS_LENGTH
    text = "電" * DETAIL_LENGTH
    record = opened(lines)
    swollen = tuple(
        s.model_copy(update={"detail": text, "note": text, "answers": whole if s.plan.confirmable else {}})
        for s in record.steps
    )
    record = confirm(record.model_copy(update={"steps": swollen}), text, lines=list(whole["lines"]))
    assert to_row(record.model_copy(update={"tail": ()}), OPEN)
    assert record.step(STEP).answers == whole, "an answer is never cut"


def test_every_field_of_the_library_is_named_once_a_step_and_says_what_it_expects() -> None:
    for definition in LIBRARY.values():
        assert definition.confirmable or not definition.asks
        assert len({f.name for f in definition.asks}) == len(definition.asks)
        for f in definition.asks:
            assert to_camel(to_snake(f.name)) == f.name
            assert bool(f.pattern) == bool(f.expected), f.name
            assert (f.kind is AnswerKind.CHOICE) == bool(f.choices), f.name
            assert f.hint, f.name


def test_nothing_is_required_of_the_first_kind() -> None:
    asked = requests.parsed(requests.operator_connect())
    fields = [field for step in asked.plan() for field in step.plan.asks]
    assert {f.name for f in fields} == {"confirmedOn", "evidence", "operatorId"}
    assert not any(f.required for f in fields), "scripts confirm with an empty body"


@pytest.mark.parametrize("given", ["contoso-op.1", "1f0e9d8c-7b6a-4958-8473-62514f3e2d1c", "Contoso Telecom"])
def test_an_operator_id_is_taken_however_the_portal_writes_it(given: str) -> None:
    assert read({"operatorId": given}, ASK_OPERATOR_ID) == {"operatorId": given}
    with pytest.raises(InvalidRequestError, match="must be the Operator ID as the portal shows it"):
        read({"operatorId": f"<{given}>"}, ASK_OPERATOR_ID)
