"""The triggers: one queue function a task step, for notices, for dead letters; the timer; HTTP. No logic here.

The setting ONBOARDING_FUNCTIONS chooses which of them an app has: all, or `front` and `steps` in two apps. What only
the front needs is imported when it is registered: the steps start without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.functions as func

from onboarding.collector import resting

with resting():
    from onboarding import app as composed
    from onboarding.core.messages import DEAD_LETTERS_QUEUE, DRIFT_QUEUE, NOTICES_QUEUE, PLANS_QUEUE, decode
    from onboarding.dead_letters import dead_letter_of
    from onboarding.settings import functions, settings
    from onboarding.steps import TASKS
    from onboarding.steps.definition import Definition
    from onboarding.telemetry.setup import start
    from onboarding.telemetry.triggers import received, ticked

# Before anything can be logged: from here on every line is redacted.
start()

# Who may call is decided by the caller's roles, in `http/entrance.py`: a key would tell nothing about who it is.
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

CONNECTION = "ServiceBus"


def _queue_trigger(queue: str) -> Callable[[Any], Any]:
    """The trigger of a queue, for the parameter `message`.

    Binary, because the host looks into a body that it takes for text: the keys of a JSON object there overwrite what
    Service Bus said of the message, and one that spoils a time or a number fails before the function is called.
    """
    return app.service_bus_queue_trigger(
        arg_name="message", queue_name=queue, connection=CONNECTION, data_type=func.DataType.BINARY
    )


def _register_step(step: Definition) -> None:
    """A function named after the step, on the queue named after it."""

    @app.function_name(step.name.replace("-", "_"))
    @_queue_trigger(step.name)
    async def run(message: func.ServiceBusMessage) -> None:
        with received(message):
            await composed.engine().receive(decode(message.get_body()))


def _register_notices() -> None:
    @app.function_name("notices")
    @_queue_trigger(NOTICES_QUEUE)
    async def notices(message: func.ServiceBusMessage) -> None:
        with received(message):
            await composed.engine().receive(decode(message.get_body()))


def _register_plans() -> None:
    @app.function_name("plans")
    @_queue_trigger(PLANS_QUEUE)
    async def plans(message: func.ServiceBusMessage) -> None:
        with received(message):
            await composed.engine().receive(decode(message.get_body()))


def _register_drift() -> None:
    @app.function_name("drift")
    @_queue_trigger(DRIFT_QUEUE)
    async def drift(message: func.ServiceBusMessage) -> None:
        with received(message):
            await composed.engine().receive(decode(message.get_body()))


def _register_dead_letters() -> None:
    @app.function_name("dead_letters")
    @_queue_trigger(DEAD_LETTERS_QUEUE)
    async def dead_letters(message: func.ServiceBusMessage) -> None:
        with received(message):
            await composed.engine().dead_letter(dead_letter_of(message))


def _register_timer() -> None:
    from onboarding.timer import timer_pass

    @app.function_name("timer")
    @app.timer_trigger(arg_name="timer", schedule="%ONBOARDING_TIMER_SCHEDULE%", run_on_startup=False)
    async def on_timer(timer: func.TimerRequest) -> None:
        with ticked():
            engine = composed.engine()
            await timer_pass(engine)
            await composed.gauges.measure(engine.records, engine.clock.now())


def _register_routes() -> None:
    from onboarding.http.call import Application, Route
    from onboarding.http.doors import DOORS, to_the_dashboard
    from onboarding.http.entrance import entrance
    from onboarding.http.routes import ROUTES

    application = Application(composed.engine, settings)

    def register(route: Route) -> None:
        enter = entrance(route, application)

        @app.function_name(route.name)
        @app.route(route=f"api/{route.path}", methods=[func.HttpMethod(route.method)])
        async def run(req: func.HttpRequest) -> func.HttpResponse:
            return await enter(req)

    def open_door(name: str, path: str) -> None:
        @app.function_name(name)
        @app.route(route=path, methods=[func.HttpMethod.GET])
        async def run(req: func.HttpRequest) -> func.HttpResponse:
            return await to_the_dashboard(req)

    for route in ROUTES:
        register(route)
    for name, path in DOORS.items():
        open_door(name, path)


_functions = functions()
if _functions.has_steps:
    for _step in TASKS:
        _register_step(_step)
    _register_notices()
    _register_plans()
    _register_drift()
    _register_dead_letters()
if _functions.has_front:
    _register_timer()
    _register_routes()
