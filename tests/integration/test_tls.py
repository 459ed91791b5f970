"""TLS and mutual TLS with a real server: who is let in, and what is said to those who are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509

from client.detection.access import Access
from client.detection.connect import connect
from client.detection.errors import DetectorError
from client.detection.triton import TritonDetector
from client.serving.server import EmbeddedServer
from tests.command import Outcome, start, walk
from tests.integration.certificates import Authority, Pair
from tests.media import frame_of
from tests.tiny_model import expected, images

pytestmark = pytest.mark.triton


class TlsServer(EmbeddedServer):
    """Is asked by HTTP whether it works, as that needs no certificate."""

    def __init__(self, repository: Path, authority: Authority, pair: Pair, *, mutual: bool) -> None:
        certificates = {"server-cert": pair.certificate, "server-key": pair.key, "root-cert": authority.path}
        super().__init__(
            repository,
            instances=1,
            options=[
                "--grpc-use-ssl-mutual=true" if mutual else "--grpc-use-ssl=true",
                *(f"--grpc-{name}={path}" for name, path in certificates.items()),
            ],
        )

    def infer(self, timeout_s: float) -> None:
        TritonDetector(self.http_url, in_flight=1, connect_timeout_s=timeout_s).close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority(folder / "stranger", "stranger")


@pytest.fixture(scope="module")
def client(authority: Authority) -> Pair:
    return authority.issue("client")


@pytest.fixture(scope="module")
def servers(tiny_repository: Path, authority: Authority) -> Iterator[dict[str, EmbeddedServer]]:
    elsewhere = (x509.DNSName("elsewhere.test"),)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(TlsServer(tiny_repository, authority, pair, mutual=name == "mutual"))
            for name, pair in {
                "tls": authority.issue("good"),
                "mutual": authority.issue("good-mutual"),
                "expired": authority.issue("old", days=-1),
                "elsewhere": authority.issue("elsewhere", elsewhere),
            }.items()
        }


def detector(server: EmbeddedServer, access: Access | None, scheme: str = "grpc") -> TritonDetector:
    url = f"{scheme}://127.0.0.1:{server.ports[1]}"
    return TritonDetector(url, retry_for_s=0, connect=partial(connect, access=access))


def trusting(authority: Authority, pair: Pair | None = None) -> Access:
    return Access(tls_ca=authority.path, tls_cert=pair and pair.certificate, tls_key=pair and pair.key)


@pytest.mark.parametrize("name", ["tls", "mutual"])
def test_answers_are_the_same_as_without(
    servers: dict[str, EmbeddedServer], authority: Authority, client: Pair, name: str
) -> None:
    there = detector(servers[name], trusting(authority, client if name == "mutual" else None), "grpcs")
    image = images(1)[0]
    np.testing.assert_allclose(there.submit(frame_of(image)).result().boxes, expected(image).boxes, rtol=1e-5)
    there.close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("expired", "grpcs://127.0.0.1:.*: the server's certificate has expired"),
        ("elsewhere", "the server's certificate is for another host; use the name that it is for"),
        ("mutual", "as one that wants a certificate does; give --tls-cert and --tls-key"),
    ],
)
def test_server_that_cannot_be_trusted_or_wants_more(
    servers: dict[str, EmbeddedServer], authority: Authority, name: str, says: str
) -> None:
    with pytest.raises(DetectorError, match=says):
        detector(servers[name], trusting(authority))


def test_server_of_another_authority(servers: dict[str, EmbeddedServer], stranger: Authority) -> None:
    with pytest.raises(
        DetectorError, match=r"from no authority in .*stranger\.pem; name its authority's with --tls-ca"
    ):
        detector(servers["tls"], trusting(stranger))
    with pytest.raises(DetectorError, match="from no authority in gRPC's list"):
        detector(servers["tls"], None, "grpcs")


@pytest.mark.parametrize("days", [1, -1], ids=["another authority's", "expired"])
def test_our_certificate_is_not_trusted(
    servers: dict[str, EmbeddedServer], authority: Authority, stranger: Authority, days: int
) -> None:
    ours = stranger.issue("ours") if days > 0 else authority.issue("ours-old", days=days)
    with pytest.raises(
        DetectorError, match=r"does not trust .*ours.*\.crt does: it is another authority's, or has expired"
    ):
        detector(servers["mutual"], trusting(authority, ours))


def test_one_side_alone_speaks_tls(
    servers: dict[str, EmbeddedServer], server: EmbeddedServer, authority: Authority
) -> None:
    with pytest.raises(
        DetectorError, match="as one that speaks TLS, or no gRPC, does; name its authority with --tls-ca"
    ):
        detector(servers["tls"], None)
    with pytest.raises(DetectorError, match="the server speaks without TLS; write grpc://"):
        detector(server, trusting(authority))


def test_http_has_no_tls(server: EmbeddedServer, authority: Authority) -> None:
    with pytest.raises(DetectorError, match="speaks TLS over gRPC alone"):
        TritonDetector(server.http_url, connect=partial(connect, access=trusting(authority)))


def run(*arguments: object) -> Outcome:
    process = start(*arguments)
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)


def test_the_command_line_enters_and_says_why_not(
    servers: dict[str, EmbeddedServer], authority: Authority, stranger: Authority, client: Pair, tmp_path: Path
) -> None:
    video, url = walk(tmp_path / "walk.mp4", 8), f"127.0.0.1:{servers['mutual'].ports[1]}"
    track = ("track", video, "--no-video", "--url", url, "--conf-thres", 0.2, "--tls-ca")
    ours = ("--tls-cert", client.certificate, "--tls-key", client.key)
    done = run(*track, authority.path, *ours, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    assert (tmp_path / "out/walk.txt").stat().st_size
    failed = run(*track, stranger.path, *ours, "-o", tmp_path / "none")
    assert failed.status == 1 and "from no authority in" in failed.err and "Traceback" not in failed.err
    assert "ssl_transport_security" not in failed.err  # gRPC's own words are for its developers
