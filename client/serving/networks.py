"""The networks of this process: each is opened once, shared by all jobs, and lives until it is closed."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock
from types import TracebackType
from typing import Self

from client.detection.errors import ModelChangedError
from client.detection.transport import UnavailableError
from client.serving.leftovers import remove_leftovers
from client.serving.network import Network, NetworkConfig, Tell, open_network
from mot.contract import ContractError


class Networks:
    """The one owner of detectors and of the embedded server, for jobs in any thread; a context manager.

    What killed processes have left of their servers is removed first, whether or not one is needed.
    """

    def __init__(self, videos: int = 1, tell: Tell | None = None) -> None:
        """``videos``: tracked side by side at most; ``tell``: as :func:`client.serving.network.open_network` has it."""
        remove_leftovers()
        self._videos, self._tell = videos, tell
        self._opened: dict[NetworkConfig, Network] = {}
        self._stack = ExitStack()
        self._lock = Lock()

    def get(self, config: NetworkConfig, *, begins: bool = False) -> Network:
        """The network, opened by whoever asks first; others wait for it.

        Args:
            begins: a job does, so that a server elsewhere which has got another model since is met anew.

        Raises:
            MotError: as :func:`client.serving.network.open_network`.
        """
        with self._lock:
            opened = self._opened.get(config)
            if opened is None or (begins and config.runs_elsewhere and _is_another(opened)):
                self._opened[config] = self._stack.enter_context(open_network(config, self._videos, self._tell))
            return self._opened[config]

    def close(self) -> None:
        """Close all of them, also those whose server got another model; jobs that still wait for an answer get none."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._opened.clear()
            self._stack.__exit__(kind, error, trace)


def _is_another(network: Network) -> bool:
    """Whether its server has another model now; one that does not answer will be waited for."""
    try:
        network.detector.confirm()
    except UnavailableError:
        return False
    except (ModelChangedError, ContractError):
        return True
    return False
