FROM python:3.12-slim-bookworm

WORKDIR /app
COPY requirements-serve.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements-serve.txt

# .dockerignore keeps leadscore/training out.
COPY leadscore leadscore
COPY predict.py .
COPY models/lead_conversion.onnx models/

USER 65532:65532
ENV LEADSCORE_HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=1)"]
ENTRYPOINT ["python", "predict.py"]
