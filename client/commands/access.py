"""Options that say how a Triton server elsewhere is entered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # takes a tenth of a second to import, which `--help` need not wait for
    from client.detection.access import Access

TlsCa = Annotated[
    Path | None,
    typer.Option(
        envvar="MOT_TLS_CA",
        help="PEM file with the authorities that a server's certificate may be from; speaks TLS (gRPC).",
        show_default=False,
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(envvar="MOT_TLS_CERT", help="PEM file with our certificate, where a server wants one."),
]
TlsKey = Annotated[Path | None, typer.Option(envvar="MOT_TLS_KEY", help="PEM file with the key of --tls-cert.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", metavar="NAME: VALUE", help="Sent with every call to the server; may be repeated."),
]


def access_of(tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None, headers: list[str] | None) -> Access:
    """What the four options say.

    Raises:
        DetectorError: a header is none.
    """
    from client.detection.access import Access, parse_headers

    return Access(tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key, headers=parse_headers(headers or ()))
