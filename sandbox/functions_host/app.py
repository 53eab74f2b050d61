"""Loads ``function_app.py`` and refuses what the real Python worker refuses.

The rules and most of the wording are those of ``azure_functions_worker/functions.py`` (add_function) and
``loader.py`` (index_function_app) in https://github.com/Azure/azure-functions-python-worker.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import FunctionRegister
from azure.functions.meta import Datum

from sandbox.functions_host.errors import AppError, one_line
from sandbox.functions_host.settings import Settings

HTTP, QUEUE, TIMER = "httpTrigger", "serviceBusTrigger", "timerTrigger"
TRIGGERS = (HTTP, QUEUE, TIMER)
MODULE = "function_app"

Binding = Mapping[str, Any]
Decode = Callable[[Datum, Mapping[str, Datum]], Any]


@dataclass(frozen=True)
class Function:
    """One registered function: how to call it, and the bindings that the real host would be told."""

    name: str
    call: Callable[..., Any]
    directory: str
    trigger: Binding
    outputs: tuple[Binding, ...]
    decode: Decode
    wants_context: bool
    disabled: bool = False

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @property
    def returns(self) -> Binding | None:
        """The ``$return`` binding, without which a function may return nothing but None."""
        return next((binding for binding in self.outputs if binding["name"] == "$return"), None)

    @property
    def bindings(self) -> list[Binding]:
        return [self.trigger, *self.outputs]


def load_app(directory: Path, settings: Settings) -> list[Function]:
    """The functions of the app in ``directory``. Raises AppError with all reasons at once.

    The app's folder becomes the first place where it may import from. A function whose setting
    ``AzureWebJobs.<name>.Disabled`` is true is loaded, marked as disabled.
    """
    path = directory.resolve() / f"{MODULE}.py"
    module = _import(path)
    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(apps) != 1:
        kinds = ", ".join(type(app).__name__ for app in apps)
        raise AppError(
            str(path),
            [
                f"there are {len(apps)} function apps at module level ({kinds}); expected exactly one."
                " Register further functions on a func.Blueprint."
                if apps
                else "there is no func.FunctionApp at module level; expected `app = func.FunctionApp()`."
            ],
        )
    try:
        registered = apps[0].get_functions()
    except ValueError as error:
        raise AppError(str(path), [str(error)]) from error
    functions, reasons = _functions(registered, path.parent, settings)
    if reasons:
        raise AppError(str(path), reasons)
    return functions


def _functions(registered: Sequence[Any], directory: Path, settings: Settings) -> tuple[list[Function], list[str]]:
    functions: list[Function] = []
    # The host's names are case-insensitive, the library's own check is not.
    counts = Counter(function.get_function_name().lower() for function in registered)
    reasons = [f"the function name '{name}' is used {n} times" for name, n in counts.items() if n > 1]
    for function in registered:
        name = function.get_function_name()
        bindings = [json.loads(binding) for binding in function.get_raw_bindings()]
        checked = _Signature(name, function.get_user_function(), bindings)
        if function.get_settings_dict("retry_policy"):
            checked.refuse("it has a retry policy, which this host doesn't serve; let the queue deliver again")
        reasons += checked.reasons
        if not checked.reasons:
            disabled = settings.is_true(f"AzureWebJobs.{name}.Disabled")
            functions.append(checked.function(str(directory), disabled))
    return functions, reasons


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise AppError(str(path), [f"there is no such file; --app is the folder that holds {MODULE}.py"])
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = f"it can't be imported: {one_line(error, str(path.parent))}"
        raise AppError(str(path), [reason]) from error
    return module


class _Signature:
    """Compares a function's parameters with its bindings; ``reasons`` tells every difference."""

    def __init__(self, name: str, call: Callable[..., Any], bindings: Sequence[Binding]) -> None:
        self.name, self.call, self.reasons = name, call, list[str]()
        self.outputs = tuple(b for b in bindings if str(b["direction"]).upper() == "OUT")
        inputs = [b for b in bindings if b not in self.outputs]
        self.trigger = next((b for b in inputs if str(b["type"]).lower().endswith("trigger")), None)
        self.parameters = set(inspect.signature(call).parameters)
        self.hints = self._hints()
        bound = {str(b["name"]) for b in bindings} - {"$return"}
        self.wants_context = "context" in self.parameters and "context" not in bound
        self._check_names(bound)
        self._check_kinds(inputs)
        if not self.reasons:
            self._check_types()

    def function(self, directory: str, disabled: bool) -> Function:
        assert self.trigger is not None, "a signature without a trigger has reasons"
        return Function(
            name=self.name,
            call=self.call,
            directory=directory,
            trigger=self.trigger,
            outputs=self.outputs,
            decode=self._decoder(self.trigger),
            wants_context=self.wants_context,
            disabled=disabled,
        )

    def refuse(self, reason: str) -> None:
        self.reasons.append(f"cannot load the {self.name} function: {reason}")

    def _hints(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.call)
        except NameError as error:
            self.refuse(f"an annotation can't be resolved: {error}")
            return {}

    def _check_names(self, bound: set[str]) -> None:
        parameters = self.parameters - ({"context"} if self.wants_context else set())
        if unbound := sorted(parameters - bound):
            self.refuse(f"the following parameters are declared in Python but have no binding: {unbound}")
        if unused := sorted(bound - parameters):
            self.refuse(f"the following bindings have no parameter in Python: {unused}")
        annotation = self.hints.get("context", func.Context)
        if self.wants_context and annotation is not func.Context:
            self.refuse(f"the parameter context must be of azure.functions.Context, not {annotation!r}")

    def _check_kinds(self, inputs: Sequence[Binding]) -> None:
        if self.trigger is None:
            self.refuse("it has no trigger")
        elif self.trigger["type"] not in TRIGGERS:
            self.refuse(f"this host serves {', '.join(TRIGGERS)}, not {self.trigger['type']}")
        elif self.trigger["type"] == QUEUE:
            self._check_queue(self.trigger)
        for binding in inputs:
            if binding is not self.trigger:
                self.refuse(f"this host serves no input bindings: {binding['name']} ({binding['type']})")
        for binding in self.outputs:
            http_return = binding["name"] == "$return" and binding["type"] == "http"
            if not http_return and not (binding["type"] == "serviceBus" and "queueName" in binding):
                self.refuse(
                    f"this host serves HTTP responses and Service Bus queues as outputs, not"
                    f" {binding['name']} ({binding['type']})"
                )

    def _check_queue(self, trigger: Binding) -> None:
        for key, meaning in (("topicName", "a topic"), ("isSessionsEnabled", "sessions")):
            if trigger.get(key):
                self.refuse(f"this host serves plain queues, not {meaning}")
        if str(trigger.get("cardinality", "one")).lower() == "many":
            self.refuse("this host delivers messages one by one; use cardinality one")
        if str(trigger.get("dataType", "")).upper() == "STREAM":
            self.refuse("this host hands a body over as text or as bytes; use data_type BINARY, or leave it out")
        if trigger.get("autoCompleteMessages") is False:
            self.refuse("this host settles every message itself; leave auto_complete_messages out")

    def _check_types(self) -> None:
        assert self.trigger is not None, "checked before"
        for binding in (self.trigger, *self.outputs):
            name = str(binding["name"])
            if name == "$return" or name not in self.hints:
                continue
            annotation, is_out = self.hints[name], binding is not self.trigger
            has_out = (typing.get_origin(annotation) or annotation) is func.Out
            if is_out and not has_out:
                self.refuse(f"binding {name} is an output, but its annotation is no azure.functions.Out")
            elif has_out and not is_out:
                self.refuse(f"binding {name} is an input, but its annotation is azure.functions.Out")
            elif not is_out and not self._accepts(binding, annotation):
                shown = getattr(annotation, "__name__", repr(annotation))
                self.refuse(f'binding {name} of type "{binding["type"]}" does not match its annotation "{shown}"')
        returned = next((b for b in self.outputs if b["name"] == "$return"), None)
        if returned is not None and "return" in self.hints:
            annotation = self.hints["return"]
            if not isinstance(annotation, type):
                self.refuse(f"has invalid non-type return annotation {annotation!r}")
            elif not _converter(returned).check_output_type_annotation(annotation):
                self.refuse(
                    f'Python return annotation "{annotation.__name__}" does not match binding type "{returned["type"]}"'
                )

    @staticmethod
    def _accepts(binding: Binding, annotation: Any) -> bool:
        if annotation in (str, bytes):
            return str(binding["type"]) == QUEUE
        if not isinstance(annotation, type):
            return False
        accepted: bool = _converter(binding).check_input_type_annotation(annotation)
        return accepted

    def _decoder(self, trigger: Binding) -> Decode:
        if self.hints.get(str(trigger["name"])) in (str, bytes):
            return lambda data, metadata: data.python_value
        converter = _converter(trigger)
        return lambda data, metadata: converter.decode(data, trigger_metadata=metadata)


def _converter(binding: Binding) -> Any:
    return func.get_binding_registry().get(binding["type"])  # type: ignore[no-untyped-call]
