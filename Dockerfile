# One image for web, workers and scheduler. Build: docker compose build
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    KENSA_DATA_DIR=/data NUMBA_CACHE_DIR=/opt/kensa/numba PATH=/opt/kensa/venv/bin:$PATH
WORKDIR /opt/kensa/app
COPY requirements.txt .
RUN python -m venv /opt/kensa/venv && pip install -r requirements.txt
COPY manage.py ./
COPY zoo zoo
COPY evaluators evaluators
COPY leaderboard leaderboard
# Compiled once here, never in front of a user.
RUN python -m evaluators warm \
 && KENSA_DATA_DIR=/tmp/build python manage.py collectstatic --noinput -v 0 \
 && mv /tmp/build/static /opt/kensa/static && rm -rf /tmp/build \
 && useradd --system --uid 10001 --home-dir /data kensa && install -d -o kensa -g kensa /data \
 && chown -R kensa:kensa /opt/kensa/numba
ENV KENSA_STATIC_DIR=/opt/kensa/static
USER kensa
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
