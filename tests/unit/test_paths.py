"""How far a request and a message travel until their row is written: the paths must not grow unnoticed.

A number that has to go up is a question first: does what is new belong on this path, and in a file of its own?
"""

from __future__ import annotations

import pytest

from onboarding.core.messages import decode
from tests.support import requests
from tests.support.http import Api
from tests.support.traced import functions_of

POST_FILES, POST_FUNCTIONS = 45, 155
"""Five files more than the row needs by itself: when it is expected to be complete is a column of it, and how long
steps usually take here stands on the plan that is written with it (read once an hour, and not on a message's path); its
numbers stand in rows of their own, so that two onboardings with the same ones are told apart before they begin; what
deviates of a step is bounded with its texts; and on whom it waits, by name, is a column too, and what notices say."""
MESSAGE_FILES, MESSAGE_FUNCTIONS = 45, 193


async def test_the_path_of_a_post_and_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    api, system = (made := Api(monkeypatch)), made.system
    body = requests.operator_connect()
    other = requests.operator_connect(gateway={**body["gateway"], "name": "first-acg"})
    for one in (other, body):
        system.outside.deploy(requests.parsed(one))
    # What is made once in a process, at its first call, is not on the path.
    await api.post("onboardings", other)
    await system.deliver()

    posted = await functions_of(lambda: api.post("onboardings", body), until=(system.onboardings, "insert"))
    assert len({file for file, _ in posted}) <= POST_FILES, sorted({file for file, _ in posted})
    assert len(posted) <= POST_FUNCTIONS, sorted(posted)

    (message,) = (m for m in system.bus.waiting if m.queue == "enable-services" and "contoso-acg" in m.message_id)
    dealt = await functions_of(lambda: system.engine.receive(decode(message.body)))
    assert len({file for file, _ in dealt}) <= MESSAGE_FILES, sorted({file for file, _ in dealt})
    assert len(dealt) <= MESSAGE_FUNCTIONS, (len(dealt), sorted(dealt))
