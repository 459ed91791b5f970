"""A small OpenID provider: who logs in chooses a name. Authorization code flow with PKCE, discovery, JWKS, logout.

OpenID Connect Core 1.0 sections 3.1.2 and 3.1.3, Discovery 1.0 section 4, RFC 7517 (keys), RFC 7636 (PKCE).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT, SECRET = "page", "of the page alone"
FORGER = "mallory"  # whose token is signed by somebody else


class OpenIdProvider(ThreadingHTTPServer):
    """Serves until it is closed; ``people`` may log in."""

    def __init__(self, *people: str, redirect: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.people, self.redirect = people, redirect
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}  # what the page asked for, and who has agreed

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, Any]:
        public = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": _number(public.n), "e": _number(public.e)}
        return {"keys": [key]}

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        """The answer to a code that was given for ``asked``."""
        now, who = int(time.time()), asked["who"]
        claims = {
            **{"iss": self.issuer, "sub": f"subject of {who}", "aud": CLIENT, "iat": now, "exp": now + 600},
            **{"nonce": asked["nonce"], "name": who, "email": f"{who}@example.org"},
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": "1"}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        key = self.foreign if who == FORGER else self.key
        signature = _text(key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))
        return {"token_type": "Bearer", "access_token": secrets.token_urlsafe(), "id_token": f"{signed}.{signature}"}


class _Handler(BaseHTTPRequestHandler):
    server: OpenIdProvider

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if address.path == "/.well-known/openid-configuration":
            self._json(self.server.metadata())
        elif address.path == "/keys":
            self._json(self.server.keys())
        elif address.path == "/authorize":
            self._authorize(asked)
        elif address.path == "/logout":
            assert asked["post_logout_redirect_uri"] == self.server.redirect, asked
            self._go(asked["post_logout_redirect_uri"], {})
        else:
            self.send_error(404)

    def _authorize(self, asked: dict[str, str]) -> None:
        """Ask who it is; the same address with ``who`` is the answer, without a name a refusal."""
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT), asked
        assert asked["redirect_uri"] == self.server.redirect and "openid" in asked["scope"].split(), asked
        if "who" not in asked:
            links = "".join(
                f'<p><a href="/authorize?{urlencode(asked | {"who": who})}">{"nobody" if who == "-" else who}</a></p>'
                for who in (*self.server.people, "-")
            )
            self._answer(200, "text/html", f"<h1>Who are you?</h1>{links}".encode())
        elif asked["who"] == "-":
            self._go(asked["redirect_uri"], {"error": "access_denied", "state": asked["state"]})
        else:
            code = secrets.token_urlsafe()
            self.server.codes[code] = asked
            self._go(asked["redirect_uri"], {"code": code, "state": asked["state"]})

    def do_POST(self) -> None:
        given = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        asked = self.server.codes.pop(given.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        known = self.headers.get("Authorization") == f"Basic {basic}" or given.get("client_secret") == SECRET
        if self.path != "/token" or asked is None or not known or given["redirect_uri"] != asked["redirect_uri"]:
            self._json({"error": "invalid_grant"}, 400)
            return
        challenge = _text(hashlib.sha256(given["code_verifier"].encode()).digest())
        assert asked["code_challenge"] == challenge, "PKCE"
        self._json(self.server.token(asked))

    def _go(self, address: str, query: dict[str, str]) -> None:
        self.send_response(302)
        self.send_header("Location", f"{address}?{urlencode(query)}" if query else address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, values: dict[str, Any], status: int = 200) -> None:
        self._answer(status, "application/json", json.dumps(values).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@contextmanager
def openid_provider(*people: str, redirect: str) -> Iterator[OpenIdProvider]:
    """A provider that sends people back to ``redirect``."""
    with OpenIdProvider(*people, redirect=redirect) as provider:
        thread = threading.Thread(target=provider.serve_forever, daemon=True)
        thread.start()
        yield provider
        provider.shutdown()
        thread.join()
