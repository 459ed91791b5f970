#!/bin/sh
# What every container does first: refuse a damaged model, bring the compiled tracker to where it may be written, and
# start the proxy of Triton's HTTP where one is asked for.
set -eu
(cd "$MOT_MODEL_REPOSITORY" && if [ -f SHA256SUMS ]; then sha256sum --check --quiet SHA256SUMS >&2; fi)
# Numba takes its cache only from a folder that it can write to, and the root is read-only.
if [ -d /opt/mot/numba ] && [ -n "${NUMBA_CACHE_DIR:-}" ] && [ ! -d "$NUMBA_CACHE_DIR" ]; then
    cp -r --preserve=timestamps /opt/mot/numba "$NUMBA_CACHE_DIR"
fi
if [ -n "${MOT_HTTP_PROXY_PORT:-}" ]; then
    sed "s/PORT/$MOT_HTTP_PROXY_PORT/" /etc/mot/http-proxy.conf > /tmp/http-proxy.conf
    /usr/sbin/nginx -c /tmp/http-proxy.conf -e /dev/null
fi
exec "$@"
