"""Reading what was posted: small, JSON, and said clearly when it isn't."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Sequence
from typing import Any

import azure.functions as func

from onboarding.core.certificate_chain import holds_private_key
from onboarding.core.reasons import NOT_SHOWN, read_fields
from onboarding.core.texts import UnfitTextError, check_texts, in_sight
from onboarding.http.problems import ProblemError

REQUEST_LENGTH = 20_000
"""Characters of a long text in a form: each is sent as three bytes at most, but for those of other scripts."""
MAX_FORM = 64 * 1024
"""Bytes: what a body may have too."""
MAX_UPLOAD = 128 * 1024
"""Bytes of the form of a whole request, each of whose fields is named by its path; and of one with a file."""
MAX_BODY = 64 * 1024
"""Bytes. The longest sensible request has under 10 KB."""

STANDS_LENGTH = 20
"""Characters that are shown of where a body stops being JSON."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
"""What a browser says of a form, always with an Origin. `curl -d` says it of any body."""
FORM_WITH_FILE = "multipart/form-data"


def read_json(request: func.HttpRequest) -> Any:
    """The posted JSON. Raises ProblemError (400, 413, 415)."""
    _check_type(request)
    body = request.get_body()
    if len(body) > MAX_BODY:
        raise ProblemError(
            413, "The body is too large", f"The body has {len(body)} bytes; at most {MAX_BODY} are read."
        )
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """JSON that somebody wrote. Raises ProblemError (400)."""
    if not body.removeprefix(BOM_UTF8).strip():
        raise ProblemError(400, "The body is empty", "A JSON object was expected; samples are in the folder samples/.")
    try:
        parsed = json.loads(
            # Editors and PowerShell write a byte-order mark; RFC 8259 lets it be ignored.
            body.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_number,
        )
        check_texts(parsed)
        return parsed
    except UnicodeDecodeError as error:
        raise ProblemError(400, "Malformed JSON", f"The body is not UTF-8: byte {error.start} can't be read.") from None
    except json.JSONDecodeError as error:
        raise ProblemError(400, "Malformed JSON", f"The body is not JSON: {_where(error)}") from None
    except RecursionError:
        raise ProblemError(400, "Malformed JSON", "The body is nested too deeply.") from None
    except (_JsonError, UnfitTextError) as error:
        raise ProblemError(400, "Malformed JSON", str(error)) from None
    except ValueError:
        # Python reads no number of more than 4300 digits.
        raise ProblemError(400, "Malformed JSON", "The body holds a number that is too long.") from None


def read_object(
    request: func.HttpRequest, *texts: str, flags: Sequence[str] = (), objects: Sequence[str] = ()
) -> dict[str, Any]:
    """A small JSON object of these text fields, flags and objects, all optional; an empty body is an empty object.

    Raises ProblemError as `read_json` does, and InvalidRequestError for another object.
    """
    if not request.get_body().removeprefix(BOM_UTF8).strip():
        return {}
    kinds = {**dict.fromkeys(texts, str), **dict.fromkeys(flags, bool), **dict.fromkeys(objects, dict)}
    return read_fields(read_json(request), kinds)


def _where(error: json.JSONDecodeError) -> str:
    """Where a body stops being JSON, and what stands there."""
    where = f"line {error.lineno}, column {error.colno}"
    rest = error.doc[error.pos :].lstrip()
    if not rest:
        return f"it ends at {where}, before it is complete; look for a quote, bracket or brace that is not closed."
    if holds_private_key(error.doc):
        return f"look at {where}. {NOT_SHOWN}"
    return (
        f"at {where} stands “{in_sight(rest[:STANDS_LENGTH])}”, where something else was expected; look there for a"
        ' missing or surplus comma, colon, quote, bracket or brace. JSON is such as {"note": "done"}.'
    )


def is_page_form(request: func.HttpRequest) -> bool:
    """Whether a body is the form of one of our pages, and no JSON that `curl -d` calls a form."""
    if media_type(request) != FORM:
        return False
    body = request.get_body().removeprefix(BOM_UTF8).lstrip()
    return not body.startswith(b"{") and (b"csrf=" in body or "origin" in request.headers)


class _JsonError(ValueError):
    pass


def _check_type(request: func.HttpRequest) -> None:
    given = media_type(request)
    if given == JSON or given == "" or (given == FORM and "origin" not in request.headers):
        return
    raise ProblemError(415, "Not JSON", f"The content type is '{given}'; {JSON} was expected.", {"Accept": JSON})


def media_type(request: func.HttpRequest) -> str:
    """What the caller says that the body is, in lower case without parameters; empty when it says nothing."""
    return str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """As json does, but a field given twice is an error: which one was meant?"""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise _JsonError(f"The field '{twice[:100]}' stands twice in one object.")
    return made


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _JsonError(f"The number {text[:30]} is too large.")
    return number


def _no_constant(name: str) -> Any:
    raise _JsonError(f"{name} is not JSON.")
