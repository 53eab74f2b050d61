"""Which function apps the local host refuses, with which words; the real worker refuses them too."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.functions_host import AppError
from sandbox.functions_host.app import Function, load_app
from sandbox.functions_host.settings import Settings

HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
QUEUE = '@app.service_bus_queue_trigger(arg_name="message", queue_name="q", connection="ServiceBus")\n'

Load = Callable[..., list[Function]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    # Two apps of one size, written within a second, would share the first one's bytecode.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def loading(source: str, *, head: str = HEAD, **settings: str) -> list[Function]:
        (tmp_path / "function_app.py").write_text(head + textwrap.dedent(source))
        return load_app(tmp_path, Settings(settings))

    yield loading
    sys.modules.pop("function_app", None)


def test_a_function_with_its_bindings_is_taken(load: Load) -> None:
    [function] = load(
        '@app.route(route="x/{id}", methods=["POST"])\n'
        "async def one(req: func.HttpRequest, context: func.Context) -> func.HttpResponse: ...\n"
    )
    assert (function.name, function.kind, function.wants_context) == ("one", "httpTrigger", True)
    assert function.trigger["route"] == "x/{id}"
    assert function.returns is not None


def test_parameters_without_annotations_are_taken(load: Load) -> None:
    [function] = load(QUEUE + "def one(message): ...\n")
    assert function.kind == "serviceBusTrigger"


def test_a_blueprint_belongs_to_its_app(load: Load) -> None:
    functions = load(
        """
        blueprint = func.Blueprint()
        @blueprint.route()
        def one(req: func.HttpRequest) -> str: ...
        app.register_functions(blueprint)
        """
    )
    assert [function.name for function in functions] == ["one"]


def test_the_app_may_import_from_its_own_folder(load: Load, tmp_path: Path) -> None:
    (tmp_path / "beside_function_app.py").write_text("NAME = 'beside'\n")
    [function] = load(
        "from beside_function_app import NAME\n"
        "@app.function_name(NAME)\n@app.route()\ndef one(req: func.HttpRequest) -> str: ...\n"
    )
    assert function.name == "beside"


@pytest.mark.parametrize(("value", "disabled"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_a_setting_disables_a_function(load: Load, value: str, disabled: bool) -> None:
    source = "@app.route()\ndef one(req: func.HttpRequest) -> str: ...\n"
    [function] = load(source, **{"AzureWebJobs.one.Disabled": value})
    assert function.disabled is disabled


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "@app.route()\ndef one(request: func.HttpRequest) -> str: ...",
            "parameters are declared in Python but have no binding: ['request']",
        ),
        ("@app.route()\ndef one() -> str: ...", "bindings have no parameter in Python: ['req']"),
        (
            "@app.route()\ndef one(req: func.TimerRequest) -> str: ...",
            'binding req of type "httpTrigger" does not match its annotation "TimerRequest"',
        ),
        (
            "@app.route()\ndef one(req: str) -> str: ...",
            'binding req of type "httpTrigger" does not match its annotation "str"',
        ),
        (
            "@app.route()\ndef one(req: func.HttpRequest) -> int: ...",
            'return annotation "int" does not match binding type "http"',
        ),
        (
            "@app.route()\ndef one(req: func.HttpRequest) -> 'str | None': ...",
            "invalid non-type return annotation",
        ),
        (
            "@app.route()\ndef one(req: func.HttpRequest, context: dict) -> str: ...",
            "context must be of azure.functions.Context",
        ),
        ("@app.route()\ndef one(req: 'Unknown') -> str: ...", "an annotation can't be resolved"),
        (
            QUEUE + "def one(message: func.Out[str]): ...",
            "binding message is an input, but its annotation is azure.functions.Out",
        ),
        (
            '@app.service_bus_queue_output(arg_name="out", queue_name="q", connection="c")\n'
            + QUEUE
            + "def one(message: str, out: str): ...",
            "binding out is an output, but its annotation is no azure.functions.Out",
        ),
        (
            '@app.queue_trigger(arg_name="message", queue_name="q", connection="c")\n'
            "def one(message: func.QueueMessage): ...",
            "this host serves httpTrigger, serviceBusTrigger, timerTrigger, not queueTrigger",
        ),
        (
            '@app.blob_input(arg_name="blob", path="a/b", connection="c")\n'
            + QUEUE
            + "def one(message: str, blob: str): ...",
            "this host serves no input bindings: blob (blob)",
        ),
        (
            '@app.queue_output(arg_name="out", queue_name="q", connection="c")\n'
            + QUEUE
            + "def one(message: str, out: func.Out[str]): ...",
            "not out (queue)",
        ),
        (
            '@app.service_bus_queue_trigger(arg_name="m", queue_name="q", connection="c", cardinality="many")\n'
            "def one(m: func.ServiceBusMessage): ...",
            "one by one; use cardinality one",
        ),
        (
            '@app.service_bus_queue_trigger(arg_name="m", queue_name="q", connection="c",'
            " data_type=func.DataType.STREAM)\n"
            "def one(m: func.ServiceBusMessage): ...",
            "use data_type BINARY, or leave it out",
        ),
        (
            '@app.service_bus_queue_trigger(arg_name="m", queue_name="q", connection="c",'
            " is_sessions_enabled=True)\ndef one(m: func.ServiceBusMessage): ...",
            "plain queues, not sessions",
        ),
        (
            '@app.service_bus_topic_trigger(arg_name="m", topic_name="t", subscription_name="s",'
            ' connection="c")\ndef one(m: func.ServiceBusMessage): ...',
            "plain queues, not a topic",
        ),
        (
            '@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")\n'
            + QUEUE
            + "def one(message: str): ...",
            "retry policy",
        ),
    ],
)
def test_a_function_that_cant_be_served_is_refused(load: Load, source: str, reason: str) -> None:
    with pytest.raises(AppError) as caught:
        load(source)
    assert "cannot load the one function: " in str(caught.value)
    assert reason in str(caught.value)


def test_all_reasons_come_at_once(load: Load) -> None:
    with pytest.raises(AppError) as caught:
        load(
            """
            @app.route()
            def one(wrong: func.HttpRequest) -> str: ...
            @app.route()
            def two(req: int) -> str: ...
            """
        )
    assert len(caught.value.reasons) == 3


def test_names_are_unique_whatever_their_case(load: Load) -> None:
    route = "@app.route()\ndef {}(req: func.HttpRequest) -> str: ...\n"
    with pytest.raises(AppError, match="does not have a unique function name"):
        load(route.format("one") + route.format("one"))
    with pytest.raises(AppError, match="the function name 'one' is used 2 times"):
        load(route.format("one") + route.format("One"))


def test_a_function_without_trigger_is_refused(load: Load) -> None:
    with pytest.raises(AppError, match="does not have a trigger"):
        load('@app.service_bus_queue_output(arg_name="out", queue_name="q", connection="c")\ndef one(out): ...')


def test_there_is_exactly_one_app(load: Load) -> None:
    with pytest.raises(AppError, match="2 function apps at module level"):
        load("other = func.FunctionApp()\n")
    with pytest.raises(AppError, match=r"there is no func\.FunctionApp at module level"):
        load("import azure.functions as func\n", head="")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import not_there_at_all\n",
            "it can't be imported: ModuleNotFoundError: No module named 'not_there",
        ),
        ("def broken(:\n", "it can't be imported: SyntaxError: "),
        ("1 / 0\n", "function_app.py:3 in <module>)"),
    ],
)
def test_an_app_that_cant_be_imported_says_where(load: Load, source: str, reason: str) -> None:
    with pytest.raises(AppError) as caught:
        load(source)
    assert reason in str(caught.value)


def test_a_folder_without_the_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="there is no such file"):
        load_app(tmp_path, Settings({}))
