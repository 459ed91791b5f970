#!/bin/sh
# NVIDIA's Triton, closed where it can be: models stay as they are, nobody names this machine's files or memory.
set -eu
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # nobody is told
closed=model-repository,shared-memory,trace,logging
exec tritonserver \
    --model-repository="$MOT_MODEL_REPOSITORY" \
    --model-control-mode=none \
    --disable-auto-complete-config \
    --exit-on-error=true \
    --exit-timeout-secs=30 \
    --http-address="${MOT_HTTP_HOST:-127.0.0.1}" \
    --http-restricted-api="$closed:mot=$key" \
    --grpc-address=0.0.0.0 \
    --grpc-restricted-protocol="$closed:mot=$key" \
    --metrics-address=0.0.0.0 \
    --metrics-config=histogram_latencies=true \
    "$@"
