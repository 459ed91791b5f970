"""Events at a real broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from client.live.cameras import Mqtt
from client.live.event import Event
from client.live.mqtt import MqttTarget
from client.live.outbox import DeliveryError, Outbox
from tests.client.live.servers import Broker

paho = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    each = Broker(tmp_path)
    each.start()
    yield each
    each.stop()


def event(number: int) -> Event:
    return Event(camera="door", kind="crossed", time=0.0, key=str(number), details={"person": number})


def settings(broker: Broker, password: str = "secret", timeout: float = 30.0) -> Mqtt:
    return Mqtt(
        host="127.0.0.1", port=broker.port, topic="site/mot", username="mot", password=password, timeout=timeout
    )


class Listener:
    """Who has subscribed to everything of the site."""

    def __init__(self, port: int) -> None:
        self.messages: Queue[tuple[str, str]] = Queue()
        self._ready: Queue[None] = Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        self._client.username_pw_set("mot", "secret")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("site/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.put(None)
        self._client.on_message = lambda _, __, one: self.messages.put((one.topic, json.loads(one.payload)["key"]))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.ready()

    def ready(self) -> None:
        self._ready.get(timeout=60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_each_event_has_its_topic(broker: Broker) -> None:
    listener = Listener(broker.port)
    outbox = Outbox(MqttTarget(settings(broker)), 1000)
    for number in range(150):
        outbox.put(event(number))
    assert outbox.close(60) == 0
    got = [listener.messages.get(timeout=60) for _ in range(150)]
    listener.close()
    assert got == [("site/mot/door/crossed", str(number)) for number in range(150)]


def test_a_broker_that_was_away_gets_them_when_it_is_back(broker: Broker) -> None:
    listener = Listener(broker.port)
    outbox = Outbox(MqttTarget(settings(broker, timeout=0.2)), 1000, first_pause=0.1)
    outbox.put(event(0))
    assert listener.messages.get(timeout=60)[1] == "0"
    broker.stop()
    for number in range(1, 4):
        outbox.put(event(number))
    broker.start()
    listener.ready()
    got = {"0"}
    while got != {"0", "1", "2", "3"}:  # one may come twice
        got.add(listener.messages.get(timeout=60)[1])
    assert outbox.close(60) == 0
    listener.close()


def test_a_wrong_password_is_said(broker: Broker) -> None:
    target = MqttTarget(settings(broker, "wrong", timeout=30.0))
    with pytest.raises(DeliveryError, match=r"refuses: (Not authorized|Bad user).*check its address and password"):
        target.deliver([event(1)])
    target.close()
