"""The container files say what the service needs, and hold no secret."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_part_of_the_service_has_its_container():
    parts = {"nginx", "web", "worker-cpu", "worker-gpu", "scheduler", "postgres", "redis"}
    assert parts <= set(COMPOSE["services"])


def test_only_nginx_publishes_a_port():
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["nginx"]


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "KENSA_SECRET_KEY"])
def test_no_secret_has_a_default(name):
    text = (ROOT / "docker-compose.yml").read_text()
    uses = re.findall(r"\$\{" + name + r"([^}]*)\}", text)
    assert uses and all(use.startswith(":?") for use in uses)


def test_containers_do_not_run_as_root():
    assert re.search(r"^USER kensa$", (ROOT / "Dockerfile").read_text(), re.M)
