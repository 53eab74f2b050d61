"""The local Service Bus without its network: queues, the namespace they form, and the file that defines them."""

import json
import math
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proton import UNDESCRIBED, Array, Data, Described, Message, decimal128, symbol, timestamp, uint

from sandbox.servicebus import ConfigError, QueueSettings, codec, load
from sandbox.servicebus.config import seconds
from sandbox.servicebus.message import (
    AlreadyDeadLetteredError,
    LockLostError,
    MessageNotFoundError,
    State,
    StoredMessage,
)
from sandbox.servicebus.namespace import Namespace
from sandbox.servicebus.queue import Queue


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def queue_of(clock: Clock, **settings: Any) -> Queue:
    found = Namespace([QueueSettings("steps", **settings)], clock).find("steps")
    assert found is not None
    return found


def shelf_of(queue: Queue) -> Queue:
    assert queue.dead_letters is not None
    return queue.dead_letters


def take(queue: Queue) -> tuple[bytes, UUID]:
    message = queue.take()
    assert message is not None
    assert message.lock is not None
    return message.content, message.lock


def contents(queue: Queue) -> list[bytes]:
    return [message.content for message in queue.peek(0, 1000)]


class TestDelivery:
    def test_messages_come_in_the_order_sent_each_to_one_receiver(self, clock: Clock) -> None:
        queue = queue_of(clock)
        for content in (b"1", b"2", b"3"):
            queue.send(content)
        assert [take(queue)[0] for _ in range(3)] == [b"1", b"2", b"3"]
        assert queue.take() is None

    def test_a_completed_message_is_gone(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1")
        queue.complete(take(queue)[1])
        clock.advance(3600)
        assert contents(queue) == []
        assert queue.next_due() is None

    def test_an_abandoned_message_comes_back_first_and_counts(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1")
        queue.send(b"2")
        queue.abandon(take(queue)[1])
        again = queue.take()
        assert again is not None
        assert (again.content, again.delivery_count) == (b"1", 1)

    def test_a_released_message_comes_back_without_counting(self, clock: Clock) -> None:
        queue = queue_of(clock, max_delivery_count=1)
        queue.send(b"1")
        queue.release(take(queue)[1])
        again = queue.take()
        assert again is not None
        assert again.delivery_count == 0

    def test_settling_twice_is_refused_and_says_which_queue(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1")
        lock = take(queue)[1]
        queue.complete(lock)
        with pytest.raises(LockLostError, match="'steps' is lost"):
            queue.abandon(lock)


class TestLocks:
    def test_an_expired_lock_gives_the_message_to_the_next_receiver(self, clock: Clock) -> None:
        queue = queue_of(clock, lock_duration=60)
        queue.send(b"1")
        lost = take(queue)[1]
        clock.advance(59)
        assert queue.take() is None
        clock.advance(1)
        again = queue.take()
        assert again is not None
        assert (again.content, again.delivery_count) == (b"1", 1)
        with pytest.raises(LockLostError):
            queue.complete(lost)

    def test_a_renewed_lock_holds_longer(self, clock: Clock) -> None:
        queue = queue_of(clock, lock_duration=60)
        queue.send(b"1")
        lock = take(queue)[1]
        clock.advance(50)
        assert queue.renew(lock) == clock.now + 60
        clock.advance(50)
        assert queue.take() is None
        queue.complete(lock)
        assert contents(queue) == []

    def test_a_lost_lock_cannot_be_renewed(self, clock: Clock) -> None:
        queue = queue_of(clock, lock_duration=60)
        queue.send(b"1")
        lock = take(queue)[1]
        clock.advance(60)
        with pytest.raises(LockLostError):
            queue.renew(lock)


class TestScheduling:
    def test_a_scheduled_message_is_delivered_when_due_and_not_before(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"later", due_at=clock.now + 300)
        assert queue.next_due() == clock.now + 300
        clock.advance(299)
        assert queue.take() is None
        clock.advance(1)
        assert take(queue)[0] == b"later"

    def test_a_due_message_queues_behind_those_already_there(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"scheduled first", due_at=clock.now + 300)
        queue.send(b"sent second")
        clock.advance(300)
        assert [take(queue)[0], take(queue)[0]] == [b"sent second", b"scheduled first"]

    def test_a_time_in_the_past_means_now(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1", due_at=clock.now - 1)
        assert take(queue)[0] == b"1"

    def test_its_lifetime_starts_when_it_is_due(self, clock: Clock) -> None:
        queue = queue_of(clock, default_ttl=3600)
        queue.send(b"in two weeks", due_at=clock.now + 14 * 86_400)
        clock.advance(14 * 86_400 + 3599)
        assert take(queue)[0] == b"in two weeks"

    def test_a_cancelled_message_never_comes(self, clock: Clock) -> None:
        queue = queue_of(clock)
        number = queue.send(b"1", due_at=clock.now + 300)
        queue.cancel([number])
        clock.advance(300)
        assert queue.take() is None

    def test_cancelling_what_is_not_scheduled_cancels_nothing(self, clock: Clock) -> None:
        queue = queue_of(clock)
        number, ready = queue.send(b"1", due_at=clock.now + 300), queue.send(b"2")
        with pytest.raises(MessageNotFoundError, match=f"'steps'. Missing sequence numbers: {ready}, 99"):
            queue.cancel([number, ready, 99])
        assert len(contents(queue)) == 2


class TestDuplicates:
    def test_the_same_id_within_the_window_is_dropped(self, clock: Clock) -> None:
        queue = queue_of(clock, duplicate_window=20)
        queue.send(b"1", message_id="a")
        clock.advance(19)
        queue.send(b"2", message_id="a")
        queue.send(b"3", message_id="b")
        assert contents(queue) == [b"1", b"3"]

    def test_the_window_is_counted_from_the_first_and_ends(self, clock: Clock) -> None:
        queue = queue_of(clock, duplicate_window=20)
        queue.send(b"1", message_id="a")
        clock.advance(20)
        queue.send(b"2", message_id="a")
        assert contents(queue) == [b"1", b"2"]

    def test_a_scheduled_message_counts_from_when_it_was_sent(self, clock: Clock) -> None:
        queue = queue_of(clock, duplicate_window=20)
        queue.send(b"1", message_id="a", due_at=clock.now + 10)
        queue.send(b"2", message_id="a")
        assert contents(queue) == [b"1"]

    def test_a_completed_message_still_counts(self, clock: Clock) -> None:
        queue = queue_of(clock, duplicate_window=20)
        queue.send(b"1", message_id="a")
        queue.complete(take(queue)[1])
        queue.send(b"2", message_id="a")
        assert contents(queue) == []

    def test_without_detection_or_without_an_id_all_are_kept(self, clock: Clock) -> None:
        careless, careful = queue_of(clock), queue_of(clock, duplicate_window=20)
        for _ in range(2):
            careless.send(b"1", message_id="a")
            careful.send(b"1")
        assert len(contents(careless)) == len(contents(careful)) == 2


class TestExpiry:
    def test_an_unread_message_expires_by_the_shorter_of_its_own_and_the_queues_lifetime(self, clock: Clock) -> None:
        queue = queue_of(clock, default_ttl=60)
        queue.send(b"queue's")
        queue.send(b"own", ttl=30)
        queue.send(b"too long", ttl=90)
        clock.advance(30)
        assert contents(queue) == [b"queue's", b"too long"]
        clock.advance(30)
        assert contents(queue) == []
        assert contents(shelf_of(queue)) == []

    def test_a_locked_message_outlives_its_time_until_the_lock_ends(self, clock: Clock) -> None:
        queue = queue_of(clock, default_ttl=60, lock_duration=60)
        queue.send(b"1")
        clock.advance(30)
        lock = take(queue)[1]
        clock.advance(45)
        assert contents(queue) == [b"1"]
        queue.abandon(lock)
        assert contents(queue) == []

    def test_expired_messages_can_be_dead_lettered(self, clock: Clock) -> None:
        queue = queue_of(clock, default_ttl=60, dead_letter_on_expiry=True)
        queue.send(b"1")
        clock.advance(60)
        queue.advance()
        [letter] = shelf_of(queue).peek(0, 10)
        assert letter.properties["DeadLetterReason"] == "TTLExpiredException"


class TestDeadLetters:
    def test_after_the_last_permitted_delivery(self, clock: Clock) -> None:
        queue = queue_of(clock, max_delivery_count=2, lock_duration=60)
        queue.send(b"1")
        queue.abandon(take(queue)[1])
        take(queue)
        clock.advance(60)
        assert queue.take() is None
        [letter] = shelf_of(queue).peek(0, 10)
        assert (letter.content, letter.delivery_count) == (b"1", 2)
        assert letter.properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
        assert letter.dead_letter_source == "steps"

    def test_they_keep_for_ever_however_often_they_are_given_back(self, clock: Clock) -> None:
        queue = queue_of(clock, max_delivery_count=1, default_ttl=60)
        queue.send(b"1")
        queue.abandon(take(queue)[1])
        shelf = shelf_of(queue)
        for _ in range(5):
            clock.advance(86_400)
            shelf.abandon(take(shelf)[1])
        assert contents(shelf) == [b"1"]

    def test_a_dead_letter_cannot_be_dead_lettered_again(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1")
        queue.dead_letter(take(queue)[1], "bad", "very")
        shelf = shelf_of(queue)
        lock = take(shelf)[1]
        with pytest.raises(AlreadyDeadLetteredError, match=r"steps/\$DeadLetterQueue"):
            shelf.dead_letter(lock)
        shelf.complete(lock)

    def test_they_are_forwarded_and_start_afresh_there(self, clock: Clock) -> None:
        namespace = Namespace(
            [
                QueueSettings("steps", max_delivery_count=1, forward_dead_letters_to="Failed"),
                QueueSettings("failed", max_delivery_count=2, duplicate_window=60, default_ttl=600),
            ],
            clock,
        )
        steps, failed = namespace.find("steps"), namespace.find("failed")
        assert steps is not None
        assert failed is not None
        failed.send(b"other", message_id="a")
        steps.send(b"1", message_id="a")
        steps.abandon(take(steps)[1])
        assert contents(failed) == [b"other", b"1"]
        take(failed)
        letter = failed.take()
        assert letter is not None
        assert (letter.delivery_count, letter.dead_letter_source) == (0, "steps")
        assert letter.expires_at == clock.now + 600


def deferred(queue: Queue, content: bytes = b"1", **sent: Any) -> int:
    """Send a message, defer it, and return its number."""
    number = queue.send(content, **sent)
    queue.defer(take(queue)[1])
    return number


class TestDeferring:
    def test_a_deferred_message_comes_only_to_who_asks_for_its_number(self, clock: Clock) -> None:
        queue = queue_of(clock)
        number = deferred(queue)
        queue.send(b"2")
        assert take(queue)[0] == b"2"
        assert queue.take() is None
        [message] = queue.take_deferred([number])
        assert (message.content, message.sequence, message.delivery_count) == (b"1", number, 1)
        assert message.locked_until == clock.now + 60
        assert message.lock is not None
        queue.complete(message.lock)
        assert contents(queue) == [b"2"]

    @pytest.mark.parametrize(("give_back", "count"), [("abandon", 2), ("defer", 2), ("release", 1), ("expire", 2)])
    def test_given_back_it_stays_deferred(self, clock: Clock, give_back: str, count: int) -> None:
        queue = queue_of(clock, lock_duration=60)
        number = deferred(queue)
        [message] = queue.take_deferred([number])
        if give_back == "expire":
            clock.advance(60)
        else:
            getattr(queue, give_back)(message.lock)
        assert queue.take() is None
        [again] = queue.take_deferred([number])
        assert (again.content, again.delivery_count) == (b"1", count)

    def test_the_last_permitted_delivery_is_dead_lettered_in_place_of_deferred(self, clock: Clock) -> None:
        queue = queue_of(clock, max_delivery_count=1)
        deferred(queue)
        [letter] = shelf_of(queue).peek(0, 10)
        assert letter.properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"
        assert take(shelf_of(queue))[0] == b"1"

    def test_dead_lettered_it_is_a_dead_letter_like_any(self, clock: Clock) -> None:
        queue = queue_of(clock)
        [message] = queue.take_deferred([deferred(queue)])
        assert message.lock is not None
        queue.dead_letter(message.lock, "why")
        assert contents(queue) == []
        assert take(shelf_of(queue))[0] == b"1"

    def test_a_dead_letter_can_be_deferred(self, clock: Clock) -> None:
        queue = queue_of(clock, max_delivery_count=1)
        queue.send(b"1")
        queue.abandon(take(queue)[1])
        shelf = shelf_of(queue)
        shelf.defer(take(shelf)[1])
        [message] = shelf.take_deferred([1])
        assert message.content == b"1"

    def test_all_numbers_are_found_or_none_is_locked(self, clock: Clock) -> None:
        queue = queue_of(clock)
        one, two, ready = deferred(queue), deferred(queue), queue.send(b"ready")
        queue.take_deferred([two])
        with pytest.raises(MessageNotFoundError, match=f"'steps'. Missing sequence numbers: {two}, {ready}, 99"):
            queue.take_deferred([one, two, ready, 99])
        assert [message.sequence for message in queue.take_deferred([one, one])] == [one]

    @pytest.mark.parametrize("dead_letter_on_expiry", [True, False])
    def test_it_expires_only_when_somebody_asks_for_it(self, clock: Clock, dead_letter_on_expiry: bool) -> None:
        queue = queue_of(clock, dead_letter_on_expiry=dead_letter_on_expiry)
        number, other = deferred(queue, ttl=60), deferred(queue, b"2")
        clock.advance(86_400)
        assert (contents(queue), queue.next_due()) == ([b"1", b"2"], None)
        with pytest.raises(MessageNotFoundError, match=f": {number}$"):
            queue.take_deferred([number, other])
        assert (contents(queue), contents(shelf_of(queue))) == ([b"2"], [b"1"] if dead_letter_on_expiry else [])

    def test_received_in_time_it_outlives_its_time_until_somebody_asks_again(self, clock: Clock) -> None:
        queue = queue_of(clock, lock_duration=60)
        number = deferred(queue, ttl=60)
        clock.advance(59)
        [message] = queue.take_deferred([number])
        clock.advance(30)
        assert message.lock is not None
        queue.abandon(message.lock)
        assert contents(queue) == [b"1"]
        with pytest.raises(MessageNotFoundError):
            queue.take_deferred([number])
        assert contents(queue) == []


class TestProperties:
    @pytest.mark.parametrize("settle", ["abandon", "defer"])
    def test_those_set_while_giving_back_stay_with_the_message(self, clock: Clock, settle: str) -> None:
        queue = queue_of(clock, max_delivery_count=3)
        number = queue.send(b"1")
        getattr(queue, settle)(take(queue)[1], {"a": 1, "b": 1})
        message = queue.take_deferred([number])[0] if settle == "defer" else queue.take()
        assert message is not None
        assert message.properties == {"a": 1, "b": 1}
        assert message.lock is not None
        queue.dead_letter(message.lock, "why", properties={"b": 2})
        [letter] = shelf_of(queue).peek(0, 10)
        assert letter.properties == {"a": 1, "b": 2, "DeadLetterReason": "why"}

    def test_they_go_along_to_where_dead_letters_are_forwarded(self, clock: Clock) -> None:
        settings = [
            QueueSettings("steps", max_delivery_count=1, forward_dead_letters_to="failed"),
            QueueSettings("failed"),
        ]
        namespace = Namespace(settings, clock)
        steps, failed = namespace.find("steps"), namespace.find("failed")
        assert steps is not None
        assert failed is not None
        steps.send(b"1")
        steps.abandon(take(steps)[1], {"a": 1})
        letter = failed.take()
        assert letter is not None
        assert letter.properties["a"] == 1
        assert letter.properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"

    def test_without_a_lock_none_is_set(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(b"1")
        lock = take(queue)[1]
        queue.release(lock)
        with pytest.raises(LockLostError):
            queue.abandon(lock, {"a": 1})
        message = queue.take()
        assert message is not None
        assert message.properties == {}


class TestPeek:
    def test_shows_all_states_in_order_and_changes_nothing(self, clock: Clock) -> None:
        queue = queue_of(clock)
        for number in range(3):
            queue.send(b"%d" % number, due_at=clock.now + 60 if number == 1 else None)
        queue.defer(take(queue)[1])
        queue.send(b"3")
        take(queue)
        states = [message.state for message in queue.peek(0, 10)]
        assert states == [State.DEFERRED, State.SCHEDULED, State.LOCKED, State.READY]
        assert [message.content for message in queue.peek(2, 1)] == [b"1"]
        assert take(queue)[0] == b"3"


SETTLING = ["complete", "abandon", "defer", "release", "dead-letter", "renew"]
ACTIONS = ["send", "schedule", "take", "take-deferred", "wait", *SETTLING]


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 90)), max_size=60))
def test_no_message_is_lost_or_doubled_whatever_happens(actions: list[tuple[str, int]]) -> None:
    clock = Clock()
    queue = queue_of(clock, max_delivery_count=3, lock_duration=60)
    sent: list[bytes] = []
    completed: list[bytes] = []
    held: dict[UUID, bytes] = {}
    for action, number in actions:
        lock = list(held)[number % len(held)] if held else None
        if action in ("send", "schedule"):
            sent.append(b"%d" % len(sent))
            queue.send(sent[-1], due_at=clock.now + number if action == "schedule" else None)
        elif action == "take":
            if message := queue.take():
                assert message.lock is not None
                held[message.lock] = message.content
        elif action == "take-deferred":
            resting = [message.sequence for message in queue.peek(0, 1000) if message.state is State.DEFERRED]
            for message in queue.take_deferred(resting[:number]):
                assert message.lock is not None
                held[message.lock] = message.content
        elif action == "wait":
            clock.advance(number)
        elif lock is not None:
            try:
                getattr(queue, action.replace("-", "_"))(lock)
            except LockLostError:
                del held[lock]
            else:
                if action == "complete":
                    completed.append(held[lock])
                if action != "renew":
                    del held[lock]
        assert sorted(contents(queue) + contents(shelf_of(queue)) + completed) == sorted(sent)
        due = queue.next_due()
        assert due is None or due > clock.now


def test_finished_messages_leave_nothing_behind(clock: Clock) -> None:
    queue = queue_of(clock, default_ttl=3600, duplicate_window=20)
    for number in range(1000):
        clock.advance(1)
        queue.send(b"1", message_id=str(number))
        queue.complete(take(queue)[1])
    assert len(queue._timers) + len(queue._ready) + len(queue._seen) + len(queue._locked) < 200


class TestNamespace:
    def test_names_are_found_in_any_case_with_their_dead_letter_queues(self, clock: Clock) -> None:
        namespace = Namespace([QueueSettings("add-domain")], clock)
        shelf = namespace.find("Add-Domain/$deadletterqueue")
        assert shelf is not None
        assert shelf.is_dead_letter_queue
        assert namespace.find("other") is None

    def test_the_next_thing_due_is_that_of_all_queues(self, clock: Clock) -> None:
        namespace = Namespace([QueueSettings("one"), QueueSettings("two")], clock)
        assert namespace.next_due() is None
        for name, delay in (("one", 60), ("two", 30)):
            queue = namespace.find(name)
            assert queue is not None
            queue.send(b"1", due_at=clock.now + delay)
        assert namespace.next_due() == clock.now + 30

    def test_every_contradiction_is_named_at_once(self, clock: Clock) -> None:
        with pytest.raises(ValueError, match="'One': seen twice") as caught:
            Namespace(
                [
                    QueueSettings("one", forward_dead_letters_to="nowhere"),
                    QueueSettings("One"),
                    QueueSettings("self", forward_dead_letters_to="self"),
                ],
                clock,
            )
        assert "seen 'nowhere', expected the name of another queue here: One, self" in str(caught.value)
        assert "seen a circle by way of 'self'" in str(caught.value)


def state_of(message: StoredMessage) -> Any:
    received = Message()
    received.decode(codec.write(message))
    annotations: dict[Any, Any] = received.annotations or {}
    return annotations[symbol("x-opt-message-state")]


class TestCodec:
    def test_a_message_is_read_and_passed_on_byte_for_byte(self, clock: Clock) -> None:
        sent = Message(id="a", ttl=30, subject="step", properties={"n": uint(7)}, body=Described(symbol("x"), [1]))
        incoming = codec.read(raw := sent.encode())
        assert (incoming.message_id, incoming.ttl, incoming.due_at) == ("a", 30, None)
        queue = queue_of(clock)
        queue.send(incoming.content, ttl=incoming.ttl)
        stored = queue.take()
        assert stored is not None
        received = Message()
        received.decode(written := codec.write(stored))
        assert (received.id, received.subject, received.body) == ("a", "step", sent.body)
        annotations: dict[Any, Any] = received.annotations or {}
        assert annotations[symbol("x-opt-sequence-number")] == 1
        # From the properties section on, nothing differs.
        assert written.endswith(raw[raw.index(b"\x00\x53\x73") :])

    # As the .NET SDK has them: its own types are described ones.
    VALUES: ClassVar[dict[str, Any]] = {
        "text": "x",
        "symbol": symbol("x"),
        "binary": b"x",
        "none": None,
        "uint": uint(7),
        "long": 7,
        "time": timestamp(5),
        "uuid": UUID(int=5),
        "decimal": decimal128(b"\x22" * 16),
        "span": Described(symbol("com.microsoft:timespan"), 30_000_000),
        "uri": Described(symbol("com.microsoft:uri"), "https://x.example"),
        "data": Described(symbol("x"), b"x"),
    }

    def test_properties_that_a_receiver_set_lie_over_the_senders_each_with_its_type(self, clock: Clock) -> None:
        queue = queue_of(clock)
        queue.send(Message(id="a", properties=self.VALUES, body="body").encode())
        queue.abandon(take(queue)[1], codec.properties({symbol("text"): "y", symbol("new"): memoryview(b"y")}))
        stored = queue.take()
        assert stored is not None
        expected = self.VALUES | {"text": "y", "new": b"y"}
        written = codec.write(stored)
        assert codec.described(codec.APPLICATION_PROPERTIES, expected) in written
        received = Message()
        received.decode(written)
        assert (received.id, received.body) == ("a", "body")

    @pytest.mark.parametrize("sent", [["a", 1], "a", 7, {1: 2}])
    def test_what_is_no_map_by_name_is_not_taken_for_properties(self, sent: object) -> None:
        with pytest.raises(codec.MalformedMessageError, match="expected a map by name"):
            codec.properties(sent)

    @pytest.mark.parametrize("value", [[1], {"b": 1}, Array(UNDESCRIBED, Data.INT, 1), Described(symbol("x"), [1])])
    def test_only_simple_values_are_properties(self, value: object) -> None:
        with pytest.raises(codec.MalformedMessageError, match="for property 'a', expected a simple value"):
            codec.properties({"a": value})

    def test_the_state_told_is_the_services(self, clock: Clock) -> None:
        queue = queue_of(clock)
        body = Message(body="1").encode()
        for due_at in (None, None, None, clock.now + 60):
            queue.send(body, due_at=due_at)
        for _ in range(2):
            queue.defer(take(queue)[1])
        queue.take_deferred([2])
        assert [state_of(message) for message in queue.peek(0, 10)] == [1, 1, 0, 2]

    def test_ids_are_alike_when_their_bytes_are(self) -> None:
        one, two = (codec.read(Message(id=b"a", body="x").encode()).message_id for _ in range(2))
        assert one == two == str(b"a")

    def test_a_batch_is_told_from_a_body_that_only_looks_like_one(self) -> None:
        one, two = (Message(id=name, body=b"x", inferred=True).encode() for name in "ab")
        batch = b"".join(b"\x00\x53\x75\xa0" + bytes([len(part)]) + part for part in (one, two))
        assert [message.message_id for message in codec.read_transfer(batch)] == ["a", "b"]
        alike = Message(id="c", body=one[:-1], inferred=True).encode()
        assert [message.message_id for message in codec.read_transfer(alike)] == ["c"]

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"GET / HTTP/1.1",
            b"\x00\x53\x73",
            b"\x00\x53\x75\xa0\x05abc",
            b"\x00\x53\x99\x40",
            b"\x00\x53\x77" + b"\x00" * 100_000,
            b"\x00\x53\x72\x41",
            b"\x00\x53\x73\xc0\x03\x01\xff\xff",
        ],
    )
    def test_what_is_not_a_message_is_refused(self, raw: bytes) -> None:
        with pytest.raises(codec.MalformedMessageError):
            codec.read(raw)


class TestConfig:
    @staticmethod
    def write(path: Path, *queues: dict[str, Any], **namespace: Any) -> Path:
        spaces = [{"Name": "sbemulatorns", "Queues": list(queues), **namespace}]
        file = path / "Config.json"
        file.write_text(json.dumps({"UserConfig": {"Namespaces": spaces, "Logging": {"Type": "File"}}}))
        return file

    def test_every_property_is_read(self, tmp_path: Path) -> None:
        properties = {
            "DeadLetteringOnMessageExpiration": True,
            "DefaultMessageTimeToLive": "P1DT1H",
            "DuplicateDetectionHistoryTimeWindow": "PT20S",
            "ForwardDeadLetteredMessagesTo": "failed",
            "ForwardTo": "",
            "LockDuration": "PT1M30S",
            "MaxDeliveryCount": 3,
            "RequiresDuplicateDetection": True,
            "RequiresSession": False,
        }
        file = self.write(tmp_path, {"Name": "steps", "Properties": properties}, {"Name": "failed"})
        assert load(file) == [
            QueueSettings("steps", 90.0, 3, 20.0, 90_000.0, True, "failed"),
            QueueSettings("failed", 60.0, 10, 0.0, math.inf, False, None),
        ]

    def test_a_window_without_detection_is_no_detection(self, tmp_path: Path) -> None:
        properties = {"DuplicateDetectionHistoryTimeWindow": "PT20S", "RequiresDuplicateDetection": False}
        [queue] = load(self.write(tmp_path, {"Name": "steps", "Properties": properties}))
        assert queue.duplicate_window == 0

    def test_all_problems_are_told_with_place_seen_and_expected(self, tmp_path: Path) -> None:
        file = self.write(
            tmp_path,
            {"Name": "one", "Properties": {"LockDuration": "PT6M", "MaxDeliveryCount": "10"}},
            {"Name": "two", "Properties": {"RequiresSession": True, "LockDurations": "PT1M"}},
            {"Name": "three", "Properties": {"DefaultMessageTimeToLive": "1 hour", "ForwardTo": "one"}},
            Topics=[{"Name": "topic"}],
        )
        with pytest.raises(ConfigError) as caught:
            load(file)
        text = str(caught.value)
        place = "UserConfig.Namespaces[0] (sbemulatorns)"
        assert f"{place}.Queues[0] (one).Properties.LockDuration: seen" in text
        assert 'seen "PT6M"; expected a duration from PT5S to PT5M' in text
        assert f"{place}.Queues[0] (one).Properties.MaxDeliveryCount" in text
        assert f"{place}.Queues[1] (two).Properties.RequiresSession: seen true; expected false" in text
        assert f"{place}.Queues[1] (two).Properties.LockDurations" in text
        assert 'seen "1 hour"; expected an ISO 8601 duration' in text
        assert f"{place}.Queues[2] (three).Properties.ForwardTo" in text
        assert f"{place}.Topics" in text
        assert len(caught.value.problems) == 7

    def test_dead_letters_must_go_to_a_queue_that_exists(self, tmp_path: Path) -> None:
        file = self.write(
            tmp_path, {"Name": "steps", "Properties": {"ForwardDeadLetteredMessagesTo": "fialed"}}, {"Name": "failed"}
        )
        with pytest.raises(ConfigError, match=r"queue 'steps'.*seen 'fialed', expected .* here: failed"):
            load(file)

    def test_a_missing_file_and_one_that_is_not_json_are_told_apart(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"No such file .*--config"):
            load(tmp_path / "none.json")
        (tmp_path / "bad.json").write_text("{")
        with pytest.raises(ConfigError, match="isn't JSON"):
            load(tmp_path / "bad.json")

    def test_the_projects_own_queues_can_be_served(self) -> None:
        queues = load(Path(__file__).parents[2] / "infra" / "servicebus" / "Config.json")
        assert {"enable-services", "verify-domain", "notices"} <= {queue.name for queue in queues}

    @pytest.mark.parametrize(
        ("duration", "expected"),
        [("PT1M", 60), ("PT1H30M", 5400), ("P7D", 604_800), ("PT0.5S", 0.5), ("P10675199DT2H48M5.4775807S", math.inf)],
    )
    def test_durations(self, duration: str, expected: float) -> None:
        assert seconds(duration) == expected

    @pytest.mark.parametrize("duration", ["", "P", "PT", "P1DT", "PT1", "1M", "P1M", "P1Y", "PT-1M", "pt1m", 60, None])
    def test_what_is_not_a_duration(self, duration: object) -> None:
        with pytest.raises(ValueError, match="ISO 8601"):
            seconds(duration)
