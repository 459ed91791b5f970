"""The servers that a batch's videos are dealt out to, and which of them answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from client.detection.errors import DetectorError
from client.detection.transport import MistrustError, UnavailableError
from client.jobs.fingerprint import differences
from client.jobs.spec import JobError
from client.serving.network import NetworkConfig, open_network

_AGAIN_S = 30.0  # after which one that was left out is asked again

Tell = Callable[[str], None]


def is_away(error: BaseException) -> bool:
    """Whether it says that a server does not answer; another one may."""
    return isinstance(error, DetectorError) and isinstance(error.__cause__, UnavailableError)


def answering(networks: Sequence[NetworkConfig], warn: Tell) -> list[NetworkConfig]:
    """Those that answer now; of a single one, whoever uses it will find out.

    Raises:
        JobError: none does, or they have different models.
        MotError: an address is unusable, or a server has no such model or none of this contract.
    """
    if len(networks) < 2:
        return list(networks)
    with ThreadPoolExecutor(len(networks)) as threads:
        found = list(threads.map(_ask, networks))
    for network, said in zip(networks, found, strict=True):
        if isinstance(said, str):
            warn(f"{network.url} is left out: {said}")
    models = {network.url: said for network, said in zip(networks, found, strict=True) if isinstance(said, dict)}
    if not models:
        raise JobError(_none(networks))
    first = next(iter(models))
    for url, model in models.items():
        if other := differences(models[first], model):
            raise JobError(
                f"{first} and {url} have different models ({'; '.join(other)}); name servers of one model with --url"
            )
    return [network for network in networks if network.url in models]


class Servers:
    """Each video gets the least busy one; one that no longer answers gets none, until it does again."""

    def __init__(self, networks: Sequence[NetworkConfig], warn: Tell, *, again_s: float = _AGAIN_S) -> None:
        """``warn`` is told which server is left out, and which is back."""
        self._networks, self._warn, self._again_s = list(networks), warn, again_s
        self._at: dict[str, NetworkConfig] = {}  # by key of what is under way
        self._out: dict[NetworkConfig, float] = {}  # when it was asked last

    def take(self, key: str) -> NetworkConfig:
        """The server for a piece of work, until :meth:`give_back`.

        Raises:
            JobError: none answers any more.
        """
        self._ask_again()
        there = [network for network in self._networks if network not in self._out]
        if not there:
            raise JobError(_none(self._networks))
        busy = Counter(network.url for network in self._at.values())
        self._at[key] = min(there, key=lambda network: busy[network.url])
        return self._at[key]

    def give_back(self, key: str) -> NetworkConfig:
        """The work has ended; where it was."""
        return self._at.pop(key)

    def leave_out(self, network: NetworkConfig, reason: str) -> bool:
        """It does not answer; False where there has never been another one."""
        if len(self._networks) < 2:
            return False
        if network not in self._out:
            self._warn(f"{network.url} is left out from now on: {reason}")
        self._out[network] = time.monotonic()
        return True

    def _ask_again(self) -> None:
        """Those left out for a while; all of them, where there is no other."""
        now, none_left = time.monotonic(), len(self._out) == len(self._networks)
        for network, asked in list(self._out.items()):
            if not none_left and now - asked < self._again_s:
                continue
            if isinstance(_ask(network), str):
                self._out[network] = time.monotonic()
            else:
                del self._out[network]
                self._warn(f"{network.url} is back")


def _ask(network: NetworkConfig) -> dict[str, str] | str:
    """What it says of its model, or why it does not answer."""
    try:
        with open_network(network) as opened:
            return opened.detector.spec.to_metadata()
    except DetectorError as error:
        if not is_away(error) or isinstance(error.__cause__, MistrustError):
            raise
        return str(error)


def _none(networks: Sequence[NetworkConfig]) -> str:
    urls = ", ".join(str(network.url) for network in networks)
    return f"none of {len(networks)} servers answers ({urls}); start them with `mot serve`, or check the addresses"
