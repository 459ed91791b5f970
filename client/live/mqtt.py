"""Events to an MQTT broker, as TOPIC/CAMERA/EVENT; needs paho-mqtt, which the extra ``watch`` installs."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from client.live.cameras import CamerasError, Mqtt
from client.live.event import Event
from client.live.outbox import DeliveryError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo
    from paho.mqtt.reasoncodes import ReasonCode

_ONCE_AT_LEAST = 1  # MQTT's quality of service; the broker confirms each
_LOOK_EVERY_S = 0.1


class MqttTarget:
    """Publishes each event by itself; it has arrived when the broker has confirmed it."""

    def __init__(self, settings: Mqtt) -> None:
        """
        Raises:
            CamerasError: paho-mqtt is not installed, or the authorities' file cannot be read.
        """
        self._settings = settings
        self.name = f"mqtt://{settings.host}:{settings.port}/{settings.topic}"
        self._client = _client(settings)
        self._under_way: dict[str, MQTTMessageInfo] = {}  # by key; paho sends them again by itself
        self._refusal = ""
        self._client.on_connect = self._connected
        self._client.connect_async(settings.host, settings.port, keepalive=30)
        self._client.loop_start()

    def deliver(self, events: Sequence[Event]) -> None:
        deadline = time.monotonic() + self._settings.timeout
        while not self._client.is_connected():
            if self._refusal or time.monotonic() > deadline:
                raise DeliveryError(f"{self._refusal or 'no connection to the broker'}; check its address and password")
            time.sleep(_LOOK_EVERY_S)
        wanted = {event.key: event for event in events}
        self._under_way = {key: info for key, info in self._under_way.items() if key in wanted}
        for key, event in wanted.items():
            if key not in self._under_way:
                topic = f"{self._settings.topic}/{event.camera}/{event.kind}"
                self._under_way[key] = self._client.publish(topic, event.to_json(), qos=_ONCE_AT_LEAST)
        try:
            for info in self._under_way.values():
                while not info.is_published():
                    if time.monotonic() > deadline:
                        raise DeliveryError("the broker does not confirm")
                    time.sleep(_LOOK_EVERY_S / 10)
        except (RuntimeError, ValueError) as error:  # paho's, of one that it has not taken
            self._under_way.clear()
            raise DeliveryError(str(error)) from error
        self._under_way.clear()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Client, data: object, flags: object, reason: ReasonCode, more: object) -> None:
        self._refusal = f"the broker refuses: {reason}" if reason.is_failure else ""


def _client(settings: Mqtt) -> Client:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise CamerasError("events.mqtt: needs paho-mqtt; pip install 'fairmot-mit[watch]'") from error
    client = Client(CallbackAPIVersion.VERSION2)
    client.enable_logger(logging.getLogger("paho"))
    logging.getLogger("paho").setLevel(logging.CRITICAL)  # ours says what helps
    client.reconnect_delay_set(1, 30)
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls or settings.ca is not None:
        try:
            client.tls_set(ca_certs=str(settings.ca) if settings.ca else None)
        except (OSError, ValueError) as error:
            raise CamerasError(f"events.mqtt.ca is {str(settings.ca)!r}: cannot be read: {error}") from error
    return client
