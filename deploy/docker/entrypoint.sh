#!/bin/sh
# What every container does first: refuse a damaged model, and bring the compiled tracker to where it may be written.
set -eu
(cd "$MOT_MODEL_REPOSITORY" && if [ -f SHA256SUMS ]; then sha256sum --check --quiet SHA256SUMS >&2; fi)
# Numba takes its cache only from a folder that it can write to, and the root is read-only.
if [ -d /opt/mot/numba ] && [ -n "${NUMBA_CACHE_DIR:-}" ] && [ ! -d "$NUMBA_CACHE_DIR" ]; then
    cp -r --preserve=timestamps /opt/mot/numba "$NUMBA_CACHE_DIR"
fi
exec "$@"
