"""Log lines: redacted and told what they are about where they are made, whoever writes them and wherever they go.

The worker of Azure Functions hands text on to the host and drops a record's attributes, so the text carries what the
line is about too; lines that go through OpenTelemetry have it as attributes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from onboarding.core.texts import as_one_line
from onboarding.telemetry import spans
from onboarding.telemetry.about import NOTHING, About, current_about
from onboarding.telemetry.redaction import redactor, told, traced

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider

ABOUT = "onboarding_about"
SAID = "onboarding_said"
"""Attributes of a log record: what it is about, and its text without that."""
OURS = "onboarding"
_LOOPING = ("opentelemetry", "azure.monitor", "azure.core", "urllib3", "sandbox")
"""Loggers whose lines are not exported: the exporters' own would make the next export, and the host has its own."""

Factory = Callable[..., logging.LogRecord]


def install(secrets: Iterable[str]) -> None:
    """From here on every log line of this process is redacted. Calling it again replaces the secrets."""
    inner = logging.getLogRecordFactory()
    if isinstance(inner, _Redacting):
        inner = inner.inner
    logging.setLogRecordFactory(_Redacting(inner, redactor(secrets)))


def redacted(error: BaseException) -> str:
    """An exception in one line that may be shown."""
    factory = logging.getLogRecordFactory()
    return told(error, factory.redact if isinstance(factory, _Redacting) else redactor())


class _Redacting:
    """Makes log records that hold nothing which must not be told."""

    def __init__(self, inner: Factory, redact: Callable[[str], str]) -> None:
        self.inner = inner
        self.redact = redact

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self.inner(*args, **kwargs)
        try:
            said = as_one_line(self.redact(_message(record)))
            if record.exc_info and record.exc_info[1] is not None:
                # Handlers show `exc_text` as it is when it is there, and never see the exception.
                record.exc_text = traced(record.exc_info[1], self.redact)
        except Exception as error:  # noqa: BLE001 - what can't be redacted is not told
            said = f"a log line of {record.name} could not be redacted: {type(error).__name__}"
        about = current_about()
        setattr(record, ABOUT, about)
        setattr(record, SAID, said)
        record.msg = f"{said} [{as_one_line(self.redact(str(about)))}]" if about.fields else said
        record.args = None
        record.exc_info = None
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - as logging itself, which tells of it and goes on
        return f"a log line could not be made ({type(error).__name__}): {record.pathname}:{record.lineno}"


class ExportHandler(logging.Handler):
    """Gives log lines to OpenTelemetry: all of ours, and others' from WARNING on."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.INFO)
        self._provider = provider

    def filter(self, record: logging.LogRecord) -> bool:
        name = record.name
        if any(name == looping or name.startswith(f"{looping}.") for looping in _LOOPING):
            return False
        ours = name == OURS or name.startswith(f"{OURS}.")
        return ours or record.levelno >= logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        # Lines are written until the very end of the process, when Python can't import any more.
        with suppress(Exception):
            self._export(record)

    def _export(self, record: logging.LogRecord) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber

        about: About = getattr(record, ABOUT, NOTHING)
        place = {"code.file.path": record.pathname, "code.line.number": record.lineno}
        attributes: dict[str, Any] = {**about.fields, **place}
        if record.exc_text:
            attributes["exception.stacktrace"] = record.exc_text
        level = min(record.levelno, logging.CRITICAL)
        # OpenTelemetry's numbers go in fours: INFO 9, WARN 13, ERROR 17, FATAL 21.
        severity = SeverityNumber(9 + 4 * max(0, (level - logging.INFO) // 10))
        name = "WARN" if level == logging.WARNING else "FATAL" if level >= logging.CRITICAL else record.levelname
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                context=spans.nearest(),
                severity_text=name,
                severity_number=severity,
                body=str(getattr(record, SAID, record.getMessage())),
                attributes=attributes,
            )
        )
