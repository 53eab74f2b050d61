"""Reading what a page's form sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from onboarding.core.control import NOTE_LENGTH
from onboarding.core.texts import UnfitTextError, check_texts
from onboarding.http.bodies import FORM, MAX_FORM, media_type
from onboarding.http.call import HttpCall
from onboarding.http.problems import ProblemError
from onboarding.pages import csrf


class FieldError(ProblemError):
    """What a form says in one of its fields can't be taken."""

    def __init__(self, name: str, title: str, detail: str) -> None:
        self.name = name
        super().__init__(400, title, detail)


MOST_FIELDS = 20


def read_form(call: HttpCall, purpose: str) -> Mapping[str, str]:
    """The fields of a form of ours. Raises ProblemError (400, 403, 413, 415)."""
    return dict(read_pairs(call, purpose, MOST_FIELDS))


def read_pairs(call: HttpCall, purpose: str, most: int) -> Sequence[tuple[str, str]]:
    """The same of a form whose fields may come several times; at most so many. Raises as `read_form` does."""
    given = media_type(call.request)
    if given != FORM:
        raise ProblemError(415, "Not a form", f"The content type is '{given[:100]}'; {FORM} was expected.")
    body = call.request.get_body()
    if len(body) > MAX_FORM:
        raise ProblemError(413, "The form is too large", f"It has {len(body)} bytes; at most {MAX_FORM} are read.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:
        raise ProblemError(400, "The form cannot be read", "It is no text in UTF-8, or has too many fields.") from None
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
