"""A DNS server of a few lines, as a cluster's: one name, whose addresses come and go."""

from __future__ import annotations

import socket
import threading

_TYPE_A = 1


class NameServer:
    """Answers every question for an IPv4 address with ``addresses``, which may be changed; nothing for others."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, peer = self._socket.recvfrom(512)
            except OSError:
                return
            self._socket.sendto(self._answer(question), peer)

    def _answer(self, question: bytes) -> bytes:
        """RFC 1035, 4.1: header, the question as it came, and a record of 0 s for each address."""
        end = question.index(b"\0", 12) + 5  # the name's end, type and class
        kind = int.from_bytes(question[end - 4 : end - 2], "big")
        addresses = list(self.addresses) if kind == _TYPE_A else []
        self.asked += kind == _TYPE_A
        header = question[:2] + bytes.fromhex("81800001") + len(addresses).to_bytes(2, "big") + bytes(4)
        record = bytes.fromhex("c00c0001000100000000") + (4).to_bytes(2, "big")  # the name is at 12; A, IN, 0 s
        return header + question[12:end] + b"".join(record + socket.inet_aton(address) for address in addresses)
