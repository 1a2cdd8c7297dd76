# The image of flow runs and of the worker, for linux/amd64 and linux/arm64.
#   make image        (BUILD_FLAGS="--build-arg BASE_IMAGE=…" takes another base)

# checkov:skip=CKV_DOCKER_2: A flow run ends with its task; ECS heeds no HEALTHCHECK of an image, and the worker has its alarm.
# checkov:skip=CKV_DOCKER_7: The base is pinned by digest; the check does not look into BASE_IMAGE.

# The digest is the base, of whichever architecture; the tag beside it tells people what it was.
ARG BASE_IMAGE=docker.io/library/python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM ${BASE_IMAGE} AS packages
# A bundle of certificates that pip shall trust beside its own, where a proxy needs one.
ARG PIP_CERT
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
COPY requirements.lock /
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes -r /requirements.lock -c /requirements.lock \
    && /opt/venv/bin/pip uninstall --yes pip \
    && find /opt/venv -type d -name tests -path '*/site-packages/*' -prune -exec rm -r {} +

FROM ${BASE_IMAGE}
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin pipeline \
    && mkdir -p /tmp && chmod 1777 /tmp
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY pyproject.toml ./
COPY flows ./flows
COPY tasks ./tasks

# Everything but /tmp may be read-only; the volume gives a mounted /tmp the rights of this one.
VOLUME /tmp
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PREFECT_HOME=/tmp/prefect \
    PREFECT_LOGGING_LEVEL=INFO \
    PREFECT_LOGGING_COLORS=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=false \
    DO_NOT_TRACK=1
USER 10001
CMD ["prefect", "flow-run", "execute"]
