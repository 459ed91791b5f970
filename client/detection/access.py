"""How a server is entered: whom to trust, who we are, and what else to say with every call."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from client.detection.errors import DetectorError

# What NetworkConfig takes where nothing is said: page and workers have no options for it.
CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE = "MOT_TLS_CA", "MOT_TLS_CERT", "MOT_TLS_KEY"
_NAME = re.compile(r"[a-z0-9_.-]+")  # that gRPC's metadata may have
_VALUE = re.compile(r"[ -~]+")


class Access(BaseModel):
    """Certificates and headers; nothing of it: no TLS, unless the address says ``grpcs://``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tls_ca: Path | None = None  # PEM with the authorities to trust; None: the usual ones, where TLS is spoken
    tls_cert: Path | None = None  # PEM with our certificate, and those between it and the authority's
    tls_key: Path | None = None  # PEM with its key, without a password
    # Sent with every call, names in lower case. Often secret: written neither to records nor to messages.
    headers: tuple[tuple[str, str], ...] = Field(default=(), exclude=True, repr=False)

    @classmethod
    def of_environment(cls) -> Self:
        """What the three variables name; empty ones are none."""
        ca, certificate, key = (
            Path(text) if (text := os.environ.get(name)) else None
            for name in (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE)
        )
        return cls(tls_ca=ca, tls_cert=certificate, tls_key=key)

    @property
    def has_tls(self) -> bool:
        return self.tls_ca is not None or self.tls_cert is not None or self.tls_key is not None

    def check_files(self) -> None:
        """Read the certificates once, since gRPC says of a bad file no more than that no server can be reached.

        Raises:
            DetectorError: one is missing, is none, or certificate and key are not a pair.
        """
        if (self.tls_cert is None) != (self.tls_key is None):
            raise DetectorError("--tls-cert and --tls-key go together: give both, or neither")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for path in filter(None, (self.tls_ca, self.tls_cert, self.tls_key)):
            try:
                path.read_bytes()
            except OSError as error:
                raise DetectorError(f"{path}: cannot be read: {error.strerror}; check the path") from error
        if self.tls_ca is not None:
            try:
                context.load_verify_locations(self.tls_ca)
            except ssl.SSLError as error:
                raise DetectorError(f"{self.tls_ca}: holds no certificate in PEM format (--tls-ca)") from error
        if self.tls_cert is not None and self.tls_key is not None:
            try:
                context.load_cert_chain(self.tls_cert, self.tls_key, password=lambda: b"")
            except ssl.SSLError as error:
                raise DetectorError(
                    f"{self.tls_cert}, {self.tls_key}: are no certificate and its key in PEM format, the key without a "
                    f"password ({error.reason or 'unreadable'})"
                ) from error


def parse_headers(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """``NAME: VALUE`` or ``NAME=VALUE`` each.

    Raises:
        DetectorError: one is written otherwise; its value is not repeated.
    """
    headers = []
    for text in texts:
        name, mark, value = re.match(r"([^:=]*)([:=]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        name, value = name.strip().lower(), value.strip()
        if not mark or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise DetectorError(f"--header {name}...: write NAME: VALUE, in ASCII, the name of letters, digits and -_.")
        if name.startswith("grpc-") or name.endswith("-bin"):
            raise DetectorError(f"--header {name}: is gRPC's own; choose another name")
        headers.append((name, value))
    return tuple(headers)
