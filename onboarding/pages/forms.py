"""Reading what a page's form sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from onboarding.core.control import NOTE_LENGTH
from onboarding.core.texts import UnfitTextError, check_texts
from onboarding.http.bodies import FORM, FORM_WITH_FILE, MAX_FORM, MAX_UPLOAD, media_type
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError
from onboarding.pages import csrf


class FieldError(ProblemError):
    """What a form says in one of its fields can't be taken."""

    def __init__(self, name: str, title: str, detail: str) -> None:
        self.name = name
        super().__init__(400, title, detail)


MOST_FIELDS = 20


def read_form(
    call: HttpCall, purpose: str, *, most_bytes: int = MAX_FORM, most_fields: int = MOST_FIELDS
) -> Mapping[str, str]:
    """The fields of a form of ours. Raises ProblemError (400, 403, 413, 415)."""
    return dict(read_pairs(call, purpose, most_fields, most_bytes))


def read_pairs(call: HttpCall, purpose: str, most: int, most_bytes: int = MAX_FORM) -> Sequence[tuple[str, str]]:
    """The same of a form whose fields may come several times; at most so many. Raises as `read_form` does."""
    body = _body_of(call, FORM, most_bytes)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:
        raise ProblemError(400, "The form cannot be read", "It is no text in UTF-8, or has too many fields.") from None
    return _checked(call, purpose, pairs)


def read_form_with_file(call: HttpCall, purpose: str, file: str) -> tuple[Mapping[str, str], bytes]:
    """The fields of a form of ours that takes a file, and what is in that; empty: none was chosen.

    Raises ProblemError (400, 403, 413, 415).
    """
    _body_of(call, FORM_WITH_FILE, MAX_UPLOAD)
    try:
        fields = [(name, str(value)) for name, value in call.request.form.items()]
        files = {name: _content(each) for name, each in call.request.files.items()}
    except ValueError:
        raise ProblemError(400, "The form cannot be read", "It is not as a browser sends one.") from None
    return dict(_checked(call, purpose, fields)), files.get(file, b"")


def _content(file: Any) -> bytes:
    try:
        return bytes(file.read())
    finally:
        file.close()


def _body_of(call: HttpCall, expected: str, most: int) -> bytes:
    given = media_type(call.request)
    if given != expected:
        raise ProblemError(415, "Not a form", f"The content type is '{given[:100]}'; {expected} was expected.")
    body: bytes = call.request.get_body()
    if len(body) > most:
        raise ProblemError(413, "The form is too large", f"It has {len(body)} bytes; at most {most} are read.")
    return body


def _checked(call: HttpCall, purpose: str, pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    try:
        check_texts([list(pair) for pair in pairs])
    except UnfitTextError as error:
        raise ProblemError(400, "The form cannot be read", f"Nothing was changed. {error}") from None
    csrf.check_form(call, purpose, dict(pairs).get(csrf.FIELD, ""))
    return pairs


def note(fields: Mapping[str, str], name: str, *, required: str = "", most: int = NOTE_LENGTH) -> str:
    """A person's text. Raises FieldError when it is too long, or empty though `required` (which says why)."""
    text = fields.get(name, "").replace("\r\n", "\n").strip()
    if len(text) > most:
        raise FieldError(name, "The note is too long", f"It has {len(text)} characters; at most {most} are kept.")
    if required and not text:
        raise FieldError(name, "The note is missing", required)
    return text
