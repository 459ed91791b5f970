# What runs without a GPU, as two images that share their stages: `client` (command line, page, worker, batch) and
# `triton-cpu` (the embedded Triton as a service). Both kinds of builder take it: no RUN --mount, no syntax line.
#
#   docker build -f deploy/docker/cpu.Dockerfile --target client -t mot/client .
#
ARG BASE_IMAGE=debian:bookworm-slim

# ---- packages: everything that the lock names, compiled to bytecode, since nothing can be written later
FROM ${BASE_IMAGE} AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv binutils \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/mot
COPY requirements.lock deploy/docker/slim.sh /build/
RUN /opt/mot/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        -r /build/requirements.lock \
    && /build/slim.sh /opt/mot
# hatchling builds the wheel in a folder of its own; it is not in the lock, since nothing of it stays.
COPY pyproject.toml README.md LICENSE CHANGELOG.md /build/
COPY mot /build/mot
COPY client /build/client
COPY training /build/training
COPY export /build/export
COPY model_repository /build/model_repository
RUN /opt/mot/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps /build \
    && ln -s /opt/mot/lib/python3*/site-packages/client/serving/model_repository /opt/models \
    && find /opt/models/ -name __pycache__ -exec rm -r {} + \
    && cd /opt/models/ && find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS
COPY deploy/docker/keep.py deploy/docker/sbom.py deploy/docker/compile_trackers.py /build/

FROM packages AS client-packages
RUN /opt/mot/bin/pip uninstall --yes --quiet nvidia-pytriton pip setuptools \
    && rm -r /opt/mot/lib/python3*/site-packages/training /opt/mot/lib/python3*/site-packages/export \
    && rm /opt/mot/bin/mot-train /opt/mot/bin/mot-export
# For any x86-64 processor, so that the code runs wherever the image does.
ENV NUMBA_CACHE_DIR=/opt/mot/numba NUMBA_CPU_NAME=generic
RUN /opt/mot/bin/python -I /build/compile_trackers.py

# The client with Ray, for a RayJob. Versions are the lock's; ray[default] brings packages that nothing else asks for.
FROM packages AS ray-packages
COPY requirements-dev.lock /build/
RUN sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' /build/requirements-dev.lock > /build/constraints.txt \
    && /opt/mot/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint /build/constraints.txt 'ray[default]' fsspec \
    && /opt/mot/bin/pip uninstall --yes --quiet nvidia-pytriton \
    && rm -r /opt/mot/lib/python3*/site-packages/training /opt/mot/lib/python3*/site-packages/export \
    && rm /opt/mot/bin/mot-train /opt/mot/bin/mot-export

FROM packages AS triton-packages
COPY deploy/docker/triton-cpu.txt /build/
RUN /opt/mot/bin/python /build/keep.py /build/triton-cpu.txt | xargs /opt/mot/bin/pip uninstall --yes --quiet

# ---- what both images begin with
FROM ${BASE_IMAGE} AS runtime
# libpython is what Triton's model processes load; the interpreter is linked without it.
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 libpython3.11 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* \
    && useradd --uid 10001 --gid 0 --no-create-home --home-dir /tmp mot
COPY deploy/docker/entrypoint.sh deploy/docker/infers.py deploy/docker/answers.py /usr/local/bin/
# ONNX Runtime's wheel would keep an id of this device for Microsoft.
ENV PATH=/opt/mot/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MOT_MODEL_REPOSITORY=/opt/models
ENTRYPOINT ["entrypoint.sh"]

FROM runtime AS client
COPY --from=client-packages /opt/models /opt/models
COPY --from=client-packages /opt/mot /opt/mot
COPY deploy/docker/sbom.py /tmp/sbom.py
# Group 0 may write, because some clusters choose the user and leave the group.
RUN python3 /tmp/sbom.py client /opt/mot /opt/models > /usr/share/sbom.cdx.json \
    && rm /tmp/sbom.py \
    && install -d -o 10001 -g 0 -m 0775 /data
ENV NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
USER 10001:0
CMD ["mot", "--help"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mot client" \
      org.opencontainers.image.description="Tracks pedestrians in video: command line, page, worker, batch." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Weights-See-Model-Card" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# As `client`, for the machines of a Ray cluster: docker build -f deploy/docker/cpu.Dockerfile --target client-ray .
FROM runtime AS client-ray
COPY --from=client-packages /opt/models /opt/models
COPY --from=ray-packages /opt/mot /opt/mot
COPY --from=client-packages /opt/mot/numba /opt/mot/numba
COPY deploy/docker/sbom.py /tmp/sbom.py
RUN python3 /tmp/sbom.py client-ray /opt/mot /opt/models > /usr/share/sbom.cdx.json \
    && rm /tmp/sbom.py \
    && install -d -o 10001 -g 0 -m 0775 /data
ENV NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib RAY_USAGE_STATS_ENABLED=0
WORKDIR /data
USER 10001:0
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mot client-ray" \
      org.opencontainers.image.description="Tracks pedestrians in many videos on a Ray cluster." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Weights-See-Model-Card" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS triton-cpu
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/*
COPY deploy/docker/http-proxy.conf /etc/mot/
COPY --from=triton-packages /opt/models /opt/models
COPY --from=triton-packages /opt/mot /opt/mot
COPY deploy/docker/sbom.py /tmp/sbom.py
RUN python3 /tmp/sbom.py triton-cpu /opt/mot /opt/models > /usr/share/sbom.cdx.json \
    && rm /tmp/sbom.py
USER 10001:0
EXPOSE 8001 8002
CMD ["mot", "serve", "--host", "0.0.0.0"]
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=3 CMD ["infers.py"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mot triton-cpu" \
      org.opencontainers.image.description="The embedded Triton server with the pedestrian model, without a GPU." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Weights-See-Model-Card" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
