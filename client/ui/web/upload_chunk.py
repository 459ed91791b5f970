"""How much of a file is sent at a time: small enough for proxies and retries, large enough for speed."""

CHUNK = 8 << 20  # bytes
MOST = 2 * CHUNK  # that a piece may have
