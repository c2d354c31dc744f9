# The services of phasegate in one image: `docker build -t phasegate .`, or `docker compose up` with compose.yaml.
FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.lock requirements.in pyproject.toml ./
# uv and setuptools by their hashes, then what phasegate needs to run and nothing of what tests need, each file by its hash.
RUN sed -n '/^uv==/,/# via/p; /^setuptools==/,/# via/p' requirements.lock > tools.lock \
    && python -m venv /tools && /tools/bin/pip install --no-cache-dir --no-deps --require-hashes -r tools.lock \
    && python -m venv --without-pip /opt/phasegate \
    && /tools/bin/uv pip install --python /opt/phasegate --no-cache --verify-hashes -r requirements.in -c requirements.lock
COPY README.md LICENSE ./
COPY events events
COPY handlers handlers
COPY infra infra
COPY flows flows
COPY console console
RUN /tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /tools/bin/uv pip install --python /opt/phasegate --no-cache --no-deps /wheel/*.whl

FROM python:3.13-slim-trixie
RUN useradd --uid 10001 --create-home phasegate && install --directory --owner phasegate /var/lib/phasegate
COPY --from=build /opt/phasegate /opt/phasegate
ENV PATH=/opt/phasegate/bin:$PATH PYTHONUNBUFFERED=1 PHASEGATE_HOME=/var/lib/phasegate \
    MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072
USER phasegate
WORKDIR /var/lib/phasegate
VOLUME /var/lib/phasegate
ENTRYPOINT ["phasegate"]
CMD ["--help"]
