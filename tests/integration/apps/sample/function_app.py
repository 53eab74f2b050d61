"""An app with every kind of trigger, for the tests of the local Functions host. What it saw is in ``state``."""

import asyncio
import json
import logging
import os
import threading
from pathlib import Path

import azure.functions as func


class State:
    """What the functions saw, and what they wait for."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[func.ServiceBusMessage] = asyncio.Queue()
        self.release = asyncio.Event()
        self.ticks: asyncio.Queue[func.TimerRequest] = asyncio.Queue()
        self.running = self.most_running = 0


state = State()
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
numbers = func.Blueprint()


@app.route(route="echo/{word?}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.info("echo was asked")
    seen = {
        "method": req.method,
        "word": req.route_params.get("word"),
        "query": dict(req.params),
        "header": req.headers.get("X-Test"),
        "body": req.get_body().decode(),
        "thread": threading.current_thread() is threading.main_thread(),
        "function": context.function_name,
        "directory": context.function_directory,
        "invocation": context.invocation_id,
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json", status_code=201)


@app.route(route="sync")
def sync(req: func.HttpRequest) -> str:
    return "a thread of the pool" if threading.current_thread().name.startswith("function") else "another thread"


@app.route(route="cookies")
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(b"\x00\xff", mimetype="application/octet-stream")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    return response


@app.route(route="nothing")
async def nothing(req: func.HttpRequest):
    return None


@app.route(route="broken")
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise LookupError("no such thing")


@app.route(route="probe", methods=["GET", "HEAD"])
async def probe(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("here", headers={"X-Probe": "yes"})


@app.route(route="setting")
async def setting(req: func.HttpRequest) -> str:
    return os.environ.get("SAMPLE_SETTING", "not set")


@app.route(route="hold", methods=["POST"])
def hold(req: func.HttpRequest) -> str:
    """Waits in a thread until the file that the body names exists."""
    gate = Path(req.get_body().decode())
    gate.with_suffix(".started").touch()
    waiting = threading.Event()
    while not gate.exists():
        waiting.wait(0.01)
    return "released"


@numbers.route(route="numbers/{value:int}")
async def number(req: func.HttpRequest) -> str:
    return f"number {req.route_params['value']}"


@numbers.route(route="numbers/{value}")
async def other_number(req: func.HttpRequest) -> str:
    return f"other {req.route_params['value']}"


@numbers.route(route="numbers/last")
async def last_number(req: func.HttpRequest) -> str:
    return "last"


@numbers.route(route="numbers/{*rest}")
async def rest_of_numbers(req: func.HttpRequest) -> str:
    return f"rest {req.route_params['rest']}"


@app.service_bus_queue_trigger(arg_name="message", queue_name="%ORDERS_QUEUE%", connection="ServiceBus")
async def orders(message: func.ServiceBusMessage) -> None:
    state.running += 1
    state.most_running = max(state.most_running, state.running)
    try:
        state.received.put_nowait(message)
        body = message.get_body()
        if body == b"fail":
            raise ValueError("can't be done")
        if body == b"hold":
            await state.release.wait()
    finally:
        state.running -= 1


@app.service_bus_queue_trigger(arg_name="text", queue_name="forward", connection="ServiceBus")
@app.service_bus_queue_output(arg_name="order", queue_name="%ORDERS_QUEUE%", connection="ServiceBus")
def forward(text: str, order: func.Out[str]) -> None:
    order.set(f"forwarded {text}")


@app.service_bus_queue_trigger(
    arg_name="message", queue_name="sealed", connection="ServiceBus", data_type=func.DataType.BINARY
)
async def sealed(message: func.ServiceBusMessage) -> None:
    state.received.put_nowait(message)


@app.timer_trigger(arg_name="timer", schedule="%TICK%")
async def tick(timer: func.TimerRequest) -> None:
    state.ticks.put_nowait(timer)


app.register_functions(numbers)
