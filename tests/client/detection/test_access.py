"""Certificates and headers as options and variables name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.detection.access import Access, parse_headers
from client.detection.connect import connect
from client.detection.errors import DetectorError
from client.serving.network import NetworkConfig
from tests.integration.certificates import Authority


def test_nothing_is_no_tls() -> None:
    assert not Access().has_tls
    assert Access(tls_ca=Path("ca.pem")).has_tls


def test_network_config_takes_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOT_TLS_CA", "/tls/ca.crt")
    monkeypatch.setenv("MOT_TLS_CERT", "")
    assert NetworkConfig().access == Access(tls_ca=Path("/tls/ca.crt"))


def test_headers_are_secret() -> None:
    config = NetworkConfig(access=Access(headers=(("authorization", "Bearer abc"),)))
    assert "abc" not in config.model_dump_json() and "abc" not in repr(config)
    assert hash(config)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Authorization: Bearer a:b=c", ("authorization", "Bearer a:b=c")),
        ("x-key=v", ("x-key", "v")),
        ("x-key:v", ("x-key", "v")),
    ],
)
def test_header_is_read(text: str, header: tuple[str, str]) -> None:
    assert parse_headers([text]) == (header,)


@pytest.mark.parametrize("text", ["", "x", ": v", "x y: v", "x:", "x: \n", "x: ä", "ä: x", "x: a\r\nb: c"])
def test_what_is_no_header_is_refused_and_its_value_not_shown(text: str) -> None:
    with pytest.raises(DetectorError, match="write NAME: VALUE"):
        parse_headers([text])


@pytest.mark.parametrize("name", ["grpc-timeout", "key-bin"])
def test_names_of_grpcs_own_are_refused(name: str) -> None:
    with pytest.raises(DetectorError, match=f"--header {name}: is gRPC's own"):
        parse_headers([f"{name}: 1"])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_files_are_looked_at_before_anything_is_sent(authority: Authority, tmp_path: Path) -> None:
    pair, other = authority.issue("a"), authority.issue("b")
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for access, says in (
        (Access(tls_ca=tmp_path / "none.pem"), "none.pem: cannot be read: No such file or directory"),
        (Access(tls_ca=junk), "junk.pem: holds no certificate in PEM format"),
        (Access(tls_cert=pair.certificate), "--tls-cert and --tls-key go together"),
        (Access(tls_key=pair.key), "--tls-cert and --tls-key go together"),
        (Access(tls_cert=pair.certificate, tls_key=other.key), "a.crt, .*b.key: are no certificate and its key"),
        (Access(tls_cert=junk, tls_key=pair.key), "junk.pem, .*a.key: are no certificate and its key"),
    ):
        with pytest.raises(DetectorError, match=says):
            connect("127.0.0.1:1", "grpc", access)
    transport, address = connect("127.0.0.1:1", "grpc", Access(tls_cert=pair.certificate, tls_key=pair.key))
    assert address == "grpcs://127.0.0.1:1"
    transport.close()
