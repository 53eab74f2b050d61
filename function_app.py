"""The triggers: one queue function a task step, one for notices, the timer, and the HTTP routes. No logic here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import azure.functions as func

from onboarding import app as composed
from onboarding.core.messages import decode
from onboarding.core.steps import NOTICES_QUEUE, TASKS, Step
from onboarding.engine import Engine
from onboarding.http import api
from onboarding.http.problems import answered
from onboarding.timer import timer_pass

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

CONNECTION = "ServiceBus"


def _register_step(step: Step) -> None:
    """A function named after the step, on the queue named after it."""

    @app.function_name(step.name.replace("-", "_"))
    @app.service_bus_queue_trigger(arg_name="message", queue_name=step.name, connection=CONNECTION)
    async def run(message: func.ServiceBusMessage) -> None:
        await composed.engine().receive(decode(message.get_body()))


for _step in TASKS:
    _register_step(_step)


@app.function_name("notices")
@app.service_bus_queue_trigger(arg_name="message", queue_name=NOTICES_QUEUE, connection=CONNECTION)
async def notices(message: func.ServiceBusMessage) -> None:
    await composed.engine().receive(decode(message.get_body()))


@app.function_name("timer")
@app.timer_trigger(arg_name="timer", schedule="%ONBOARDING_TIMER_SCHEDULE%", run_on_startup=False)
async def on_timer(timer: func.TimerRequest) -> None:
    await timer_pass(composed.engine())


Route = Callable[[Engine, func.HttpRequest], Awaitable[func.HttpResponse]]

ROUTES: tuple[tuple[str, str, str, Route], ...] = (
    ("post_onboarding", "POST", "onboardings", api.post_onboarding),
    ("get_onboarding", "GET", "onboardings/{id}", api.get_onboarding),
    ("get_events", "GET", "onboardings/{id}/events", api.get_events),
    ("confirm_checkpoint", "POST", "onboardings/{id}/checkpoints/{step}", api.confirm),
    ("retry_step", "POST", "onboardings/{id}/steps/{step}/retry", api.retry),
    ("check_wait", "POST", "onboardings/{id}/steps/{step}/check", api.check),
    ("cancel_onboarding", "POST", "onboardings/{id}/cancel", api.cancel),
)


def _register_route(name: str, method: str, route: str, handler: Route) -> None:
    async def handle(request: func.HttpRequest) -> func.HttpResponse:
        return await handler(composed.engine(), request)

    @app.function_name(name)
    @app.route(route=route, methods=[func.HttpMethod(method)])
    async def run(req: func.HttpRequest) -> func.HttpResponse:
        return await answered(handle)(req)


for _route in ROUTES:
    _register_route(*_route)
