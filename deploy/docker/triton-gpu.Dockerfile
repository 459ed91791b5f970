# NVIDIA's Triton with the model, and with our deformable convolution for models that were exported to use it.
# 26.07 is the first whose ONNX Runtime has DeformConv; newer ones by --build-arg TRITON_IMAGE.
ARG TRITON_IMAGE=nvcr.io/nvidia/tritonserver:26.07-py3
ARG CUDA_IMAGE=nvidia/cuda:13.0.1-devel-ubuntu24.04
ARG HEADERS_IMAGE=debian:trixie-slim

# ---- ONNX Runtime's headers, 1.21: all later runtimes take what is built with them
FROM ${HEADERS_IMAGE} AS headers
RUN apt-get update && apt-get install -y --no-install-recommends libonnxruntime-dev \
    && cp -r "$(dirname "$(find /usr/include -name onnxruntime_cxx_api.h)")" /headers

FROM ${CUDA_IMAGE} AS plugin
RUN apt-get update && apt-get install -y --no-install-recommends cmake g++ make
COPY --from=headers /headers /headers
COPY export/plugin /plugin
RUN ORT_INCLUDE_DIR=/headers /plugin/build.sh /build

FROM ${HEADERS_IMAGE} AS models
COPY model_repository /models
RUN cd /models && find . -type f ! -name SHA256SUMS -exec sha256sum {} + > SHA256SUMS

FROM ${TRITON_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/docker/http-proxy.conf /etc/mot/
COPY --from=plugin /build/libdeform_conv.so /opt/mot/libdeform_conv.so
COPY --from=models /models /models
COPY deploy/docker/entrypoint.sh deploy/docker/triton-gpu.sh deploy/docker/infers.py deploy/docker/sbom.py /usr/local/bin/
RUN python3 /usr/local/bin/sbom.py triton-gpu /usr/local /models > /usr/share/sbom.cdx.json
ENV HOME=/tmp MOT_MODEL_REPOSITORY=/models ORT_DISABLE_TELEMETRY=1
USER 10001:0
EXPOSE 8001 8002
ENTRYPOINT ["entrypoint.sh"]
CMD ["triton-gpu.sh"]
HEALTHCHECK --interval=5s --timeout=10s --start-period=180s --retries=3 CMD ["infers.py"]
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="mot triton-gpu" \
      org.opencontainers.image.description="NVIDIA Triton with the pedestrian model." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Weights-See-Model-Card AND LicenseRef-NVIDIA" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
