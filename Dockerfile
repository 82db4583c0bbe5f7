# Installs the service, then collects the interpreter and what it loads into /image.
FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements-serve.txt .
RUN pip install --no-cache-dir --no-compile --require-hashes -r requirements-serve.txt
# .dockerignore keeps leadscore/training out.
COPY predict.py .
COPY leadscore leadscore
COPY models/lead_conversion.onnx models/
COPY deploy/collect_image.py /
RUN python /collect_image.py /image

# Nothing else: no shell, no package manager, nothing that can be written.
FROM scratch
COPY --from=build /image /
LABEL org.opencontainers.image.title="lead-conversion" \
      org.opencontainers.image.description="Scores how likely a lead is to convert" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
USER 65532:65532
ENV PATH=/usr/local/bin \
    PYTHONUNBUFFERED=1 \
    LEADSCORE_HOST=0.0.0.0 \
    LEADSCORE_REQUIRE_KEY=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=1)"]
ENTRYPOINT ["python", "predict.py"]
