"""The local Service Bus in frames: how a connection begins, what a drain is, and outcomes that carry properties."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from proton import Data, Described, Message, symbol, uint, ulong

from sandbox.servicebus import Broker, QueueSettings
from tests.support.amqp import (
    AMQP,
    ATTACH,
    DETACH,
    FLOW,
    MODIFIED,
    OPEN,
    REJECTED,
    SASL,
    TRANSFER,
    Peer,
    array,
    peer_of,
    request,
)

MECHANISMS = bytes.fromhex(
    "0000004b 02 01 0000"  # a frame of 75 bytes, its body 2 words on, of SASL
    "00 53 40 d0 0000003b 00000001"  # sasl-mechanisms: a list of one field ...
    "f0 00000032 00000004 b3"  # ... an array of four long symbols
    f"00000007 {b'MSSBCBS'.hex()} 00000005 {b'PLAIN'.hex()}"
    f"00000009 {b'ANONYMOUS'.hex()} 00000008 {b'EXTERNAL'.hex()}"
)
INIT = bytes.fromhex(f"00000017 02 01 0000 00 53 41 c0 0a 01 a3 07 {b'MSSBCBS'.hex()}")
OK, AUTH = (bytes.fromhex(f"00000016 02 01 0000 00 53 44 d0 00000006 00000001 50 {code}") for code in ("00", "01"))
"""sasl-outcome: let in, or not for what the client showed."""

OPENING = bytes.fromhex("00000015 02 00 0000 00 53 10 c0 08 01 a1 05") + b"test!"

NO_GOODBYE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""A socket with this SO_LINGER is closed by a reset."""


@pytest.fixture
def broker() -> Iterator[Broker]:
    queues = [
        QueueSettings("steps", max_delivery_count=3, forward_dead_letters_to="notices"),
        QueueSettings("notices"),
    ]
    with Broker(queues) as running:
        yield running


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    with peer_of(broker) as connected:
        yield connected


def serves(broker: Broker) -> bool:
    """Whether a client gets as far as a session."""
    with peer_of(broker) as other:
        other.begin()
    return True


class TestSasl:
    def test_nothing_but_an_outcome_follows_the_init_of_the_dotnet_client(self, peer: Peer) -> None:
        peer.send(SASL)
        assert peer.read(8 + len(MECHANISMS)) == SASL + MECHANISMS
        peer.send(INIT)
        assert peer.read(len(OK)) == OK
        peer.send(AMQP)
        assert peer.read(8) == AMQP
        peer.send(OPENING)
        peer.expect(OPEN)

    @pytest.mark.parametrize(
        ("mechanism", "response"),
        [("MSSBCBS", None), ("ANONYMOUS", b""), ("PLAIN", b"\0name\0key"), ("EXTERNAL", None)],
    )
    def test_each_mechanism_lets_everybody_in(self, peer: Peer, mechanism: str, response: bytes | None) -> None:
        peer.send(SASL)
        peer.read(8 + len(MECHANISMS))
        peer.say(0x41, [symbol(mechanism), response, "localhost"], kind=1)
        assert peer.read(len(OK)) == OK
        peer.begin()

    @pytest.mark.parametrize("step", [1, 7, 1000])
    def test_a_client_that_does_not_wait_for_answers_is_served_in_pieces_of_any_size(
        self, peer: Peer, step: int
    ) -> None:
        all_of_it = SASL + INIT + AMQP + OPENING
        for start in range(0, len(all_of_it), step):
            peer.send(all_of_it[start : start + step])
        expected = SASL + MECHANISMS + OK + AMQP
        assert peer.read(len(expected)) == expected
        peer.expect(OPEN)

    @pytest.mark.parametrize(
        ("header", "answer"),
        [
            (b"AMQP\x03\x02\x00\x00", SASL),
            (b"AMQP\x03\x00\x00\x00", SASL),
            (b"AMQP\x02\x01\x00\x00", AMQP),
            (b"AMQP\x00\x00\x09\x01", AMQP),
            (b"GET / HTTP/1.1\r\n\r\n", AMQP),
        ],
        ids=["SASL 2.0.0", "SASL 0.0.0", "TLS", "AMQP 0.9.1", "HTTP"],
    )
    def test_a_header_that_is_not_understood_is_answered_with_one_that_is(
        self, broker: Broker, peer: Peer, header: bytes, answer: bytes
    ) -> None:
        peer.send(header)
        assert peer.read(1000) == answer
        assert serves(broker)

    def test_there_is_no_second_round(self, peer: Peer) -> None:
        peer.send(SASL + INIT + SASL)
        assert peer.read(1000) == SASL + MECHANISMS + OK + AMQP

    @pytest.mark.parametrize(
        "frame",
        [
            INIT.replace(b"MSSBCBS", b"MSSBCBZ"),
            bytes.fromhex(f"00000017 02 01 0000 00 53 41 c0 0a 01 a1 07 {b'MSSBCBS'.hex()}"),
            bytes.fromhex("0000000e 02 01 0000 00 53 41 c0 01 00"),
            bytes.fromhex("0000000f 02 01 0000 00 53 41 c0 02 01 40"),
            INIT.replace(b"\x53\x41", b"\x53\x44"),
            INIT.replace(b"\x53\x41\xc0\x0a", b"\x53\x41\xc0\x0f"),
            INIT.replace(b"\x02\x01\x00\x00", b"\x02\x00\x00\x00", 1),
            bytes.fromhex("00000000 02 01 0000"),
            bytes.fromhex("00000008 02 01 0000"),
            bytes.fromhex("7fffffff 02 01 0000") + bytes(2000),
            bytes.fromhex("00000012 02 01 0000 00 53 41 c1 05 02 45 40 40 40"),
        ],
        ids=[
            "unknown mechanism", "a string", "no field", "null", "an outcome", "cut off", "a frame of AMQP", "size 0",
            "empty", "huge", "a map",
        ],
    )  # fmt: skip
    def test_what_is_no_init_with_a_known_mechanism_is_refused(self, broker: Broker, peer: Peer, frame: bytes) -> None:
        peer.send(SASL)
        peer.read(8 + len(MECHANISMS))
        peer.send(frame)
        assert peer.read(1000) == AUTH
        assert serves(broker)

    @pytest.mark.parametrize("begun", [b"", SASL[:3], SASL, SASL + INIT[:5], SASL + INIT[:-1], SASL + INIT])
    def test_a_client_that_falls_silent_or_vanishes_hurts_nobody(self, broker: Broker, begun: bytes) -> None:
        with peer_of(broker) as silent:
            silent.send(begun)
            with peer_of(broker) as vanishing:
                vanishing.send(begun)
                vanishing.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_GOODBYE)
            assert serves(broker)
            broker.stop()
            silent.read(1000)
            assert silent.socket.recv(1) == b""
        broker.start()
        assert serves(broker)


class TestDraining:
    DRAIN = bytes.fromhex(
        "00000020 02 00 0000 00 53 13 c0 13 09"  # a flow with nine fields:
        "43 70 7fffffff 43 70 7fffffff"  # the session's window and counts,
        "43 43 52 0a 43 41"  # handle 0, no delivery yet, a credit of 10, none available; drain
    )

    def test_the_credit_is_used_up_and_the_client_is_told(self, peer: Peer) -> None:
        peer.begin()
        peer.attach("steps", handle=0, receiving=True)
        peer.send(self.DRAIN)
        assert peer.read(32) == bytes.fromhex(
            "00000020 02 00 0000 00 53 13 c0 13 09"
            "43 70 7fffffff 43 70 7fffffff"
            "43 52 0a 43 40 41"  # handle 0, ten deliveries counted, no credit, nothing said of what is there; drain
        )

    @pytest.mark.parametrize(
        ("waiting", "credit"), [(0, 1), (0, 10), (3, 10), (10, 10), (12, 10), (1, 1), (2, 1), (0, 0), (2, 0)]
    )
    def test_a_drain_is_answered_once_whatever_is_waiting(self, peer: Peer, waiting: int, credit: int) -> None:
        peer.begin()
        peer.attach("steps", handle=0, receiving=True)
        peer.attach("steps", handle=1, receiving=False)
        for number in range(waiting):
            peer.transfer(1, Message(body=str(number)))
        for round_ in range(3):
            count = round_ * credit
            peer.flow(handle=0, count=count, credit=credit, drain=True)
            for _ in range(min(credit, max(0, waiting - count))):
                peer.expect(TRANSFER)
            assert drained(peer) == (count + credit, 0, True)
        # No credit is left, and none is owed: the next message comes for the next credit.
        count = 3 * credit
        peer.transfer(1, Message(body="new"))
        peer.say(DETACH, [uint(1), True])
        peer.expect(DETACH)
        peer.flow(handle=0, count=count, credit=1)
        peer.expect(TRANSFER)
        peer.say(DETACH, [uint(0), True])
        peer.expect(DETACH)

    def test_credit_that_was_granted_before_is_given_back_too(self, peer: Peer) -> None:
        peer.begin()
        peer.attach("steps", handle=0, receiving=True)
        peer.attach("steps", handle=1, receiving=False)
        peer.flow(handle=0, count=0, credit=5)
        peer.transfer(1, Message(body="1"))
        peer.expect(TRANSFER)
        peer.flow(handle=0, count=1, credit=4, drain=True)
        assert drained(peer) == (5, 0, True)


def drained(peer: Peer) -> tuple[int, int, bool]:
    """Count, credit and drain, as the broker's next flow has them."""
    _, _, _, _, handle, count, credit, _, drain, *_ = peer.expect(FLOW).fields
    assert handle == 0
    return count, credit, drain


class Queue:
    """A client with a link for receiving, one for sending, and both of the management node."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._received = 0
        peer.begin()
        peer.attach("steps", handle=0, receiving=True)
        peer.attach("steps", handle=1, receiving=False)
        peer.attach("steps/$management", handle=2, receiving=True)
        peer.attach("steps/$management", handle=3, receiving=False)
        peer.attach("notices", handle=4, receiving=True)
        peer.flow(handle=2, count=0, credit=50)

    def send(self, message: Message) -> None:
        self.peer.transfer(1, message)

    def receive(self) -> tuple[int, UUID, Message]:
        """Delivery id, lock and message of the next one."""
        self.peer.flow(handle=0, count=self._received, credit=1)
        self._received += 1
        return self._take(0)

    def dead_letter(self) -> Message:
        """The next message of the queue that dead letters are forwarded to."""
        self.peer.flow(handle=4, count=0, credit=1)
        return self._take(4)[2]

    def ask(self, operation: str, **body: Any) -> tuple[int, Any]:
        """Status code and body of the management node's answer."""
        self.peer.transfer(3, request(operation, **body))
        answer = self._take(2)[2]
        properties: dict[str, Any] = answer.properties or {}
        return int(properties["statusCode"]), answer.body

    def _take(self, expected: int) -> tuple[int, UUID, Message]:
        frame = self.peer.expect(TRANSFER)
        handle, number, tag, *_ = frame.fields
        assert handle == expected
        message = Message()
        message.decode(frame.payload)
        return number, UUID(bytes_le=bytes(tag)), message


@pytest.fixture
def queue(peer: Peer) -> Queue:
    return Queue(peer)


class TestOutcomes:
    def test_properties_given_while_abandoning_are_on_the_next_delivery(self, queue: Queue) -> None:
        queue.send(Message(body="1", properties={"kept": 1, "changed": 1}))
        number, _, _ = queue.receive()
        outcome = queue.peer.settle(number, MODIFIED, [True, False, {symbol("changed"): "new", symbol("added"): 2}])
        assert (outcome.descriptor, outcome.value) == (MODIFIED, [True, False, None])
        _, _, again = queue.receive()
        assert again.properties == {"kept": 1, "changed": "new", "added": 2}
        assert again.delivery_count == 1

    def test_and_while_deferring(self, queue: Queue) -> None:
        queue.send(Message(body="1"))
        number, _, message = queue.receive()
        outcome = queue.peer.settle(number, MODIFIED, [None, True, {symbol("why"): "later"}])
        assert (outcome.descriptor, outcome.value) == (MODIFIED, [False, True, None])
        status, body = queue.ask(
            "receive-by-sequence-number", sequence_numbers=array(Data.LONG, 1), receiver_settle_mode=uint(1)
        )
        assert status == 200
        [found] = body["messages"]
        assert isinstance(found["lock-token"], UUID)
        message.decode(bytes(found["message"]))
        assert message.properties == {"why": "later"}

    def test_and_while_dead_lettering_where_they_go_along(self, queue: Queue) -> None:
        queue.send(Message(body="1", properties={"kept": 1}))
        number, _, _ = queue.receive()
        info = {symbol("DeadLetterReason"): "why", symbol("DeadLetterErrorDescription"): None, symbol("added"): 2}
        error = error_of("com.microsoft:dead-letter", info)
        assert queue.peer.settle(number, REJECTED, [error]).descriptor == REJECTED
        assert queue.dead_letter().properties == {"kept": 1, "added": 2, "DeadLetterReason": "why"}

    def test_a_dead_letter_has_what_was_given_at_every_delivery_before(self, queue: Queue) -> None:
        queue.send(Message(body="1"))
        for attempt in range(3):
            number, _, _ = queue.receive()
            queue.peer.settle(number, MODIFIED, [True, False, {symbol(f"attempt {attempt}"): "failed"}])
        letter: dict[str, Any] = queue.dead_letter().properties or {}
        assert [name for name in sorted(letter) if name.startswith("attempt")] == [
            "attempt 0",
            "attempt 1",
            "attempt 2",
        ]
        assert letter["DeadLetterReason"] == "MaxDeliveryCountExceeded"

    @pytest.mark.parametrize("annotations", [["k", "v"], {1: "v"}, {(): "v"}, {symbol("k"): ["v"]}])
    def test_what_is_no_map_of_properties_is_refused_and_the_message_stays(
        self, queue: Queue, broker: Broker, annotations: Any
    ) -> None:
        queue.send(Message(body="1"))
        number, lock, _ = queue.receive()
        refused = queue.peer.settle(number, MODIFIED, [True, False, annotations])
        assert refused.descriptor == REJECTED
        assert refused.value[0].value[0] == "amqp:decode-error"
        assert queue.ask("update-disposition", disposition_status="completed", lock_tokens=tokens(lock))[0] == 200
        assert broker.running


class TestManagement:
    @pytest.mark.parametrize(
        ("disposition", "where"), [("abandoned", "queue"), ("defered", "deferred"), ("suspended", "dead letters")]
    )
    def test_properties_to_modify_are_set_by_every_disposition(
        self, queue: Queue, disposition: str, where: str
    ) -> None:
        queue.send(Message(body="1", properties={"kept": 1}))
        _, lock, message = queue.receive()
        status, _ = queue.ask(
            "update-disposition",
            disposition_status=disposition,
            lock_tokens=tokens(lock),
            properties_to_modify={"added": 2},
            deadletter_reason="why",
            deadletter_description="because",
        )
        assert status == 200
        if where == "queue":
            message = queue.receive()[2]
        elif where == "dead letters":
            message = queue.dead_letter()
        else:
            asked = {"sequence_numbers": array(Data.LONG, 1), "receiver_settle_mode": uint(0)}
            status, body = queue.ask("receive-by-sequence-number", **asked)
            message.decode(bytes(body["messages"][0]["message"]))
            # Received and deleted, so that it is there no more.
            assert queue.ask("receive-by-sequence-number", **asked)[0] == 404
        reason = {"DeadLetterReason": "why", "DeadLetterErrorDescription": "because"} if where == "dead letters" else {}
        assert message.properties == {"kept": 1, "added": 2, **reason}

    def test_a_request_that_is_not_understood_changes_nothing(self, queue: Queue) -> None:
        queue.send(Message(body="1"))
        _, lock, _ = queue.receive()
        asked = {"disposition_status": "defered", "lock_tokens": tokens(lock)}
        assert queue.ask("update-disposition", **asked, properties_to_modify=["added", 2])[0] == 400
        assert queue.ask("receive-by-sequence-number", receiver_settle_mode=uint(1))[0] == 400
        assert queue.ask("receive-by-sequence-number", sequence_numbers=array(Data.LONG, 1))[0] == 400
        assert queue.ask("update-disposition", **asked)[0] == 200


def test_a_filter_that_makes_no_sense_is_refused(peer: Peer, broker: Broker) -> None:
    source = Described(ulong(0x28), ["steps", *[None] * 6, {(): "v"}])
    peer.begin()
    peer.say(ATTACH, ["link", uint(0), True, None, None, source, Described(ulong(0x29), ["steps"])])
    # The attach that repeats the source, and the detach with the reason.
    said = [peer.read(int.from_bytes(peer.read(4), "big") - 4) for _ in range(2)]
    assert b"amqp:decode-error" in said[1]
    assert serves(broker)


def tokens(*locks: UUID) -> Any:
    return array(Data.UUID, *locks)


def error_of(condition: str, info: dict[Any, Any]) -> Any:
    return Described(ulong(0x1D), [symbol(condition), None, info])
