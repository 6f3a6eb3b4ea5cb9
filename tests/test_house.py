"""The house rules that a machine can check: floors, size, documentation, no stray words."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("zoo", "evaluators", "leaderboard")
MODULES = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py")) if "migrations" not in path.parts]


def name(path):
    return str(path.relative_to(ROOT))


def test_imports_point_down():
    done = subprocess.run([ROOT / ".venv/bin/lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_are_read_in_one_sitting(path):
    lines = path.read_text().count("\n")
    assert lines <= 400, f"{name(path)} has {lines} lines; divide it by nouns"
    assert path.name not in {"utils.py", "helpers.py", "common.py", "misc.py"}, "a drawer without a name"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_first_party_import_hides_in_a_function(path):
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FLOORS:
                pytest.fail(f"{name(path)}:{node.lineno} imports {node.module} inside {function.name}")


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_torch_stays_in_the_sandbox(path):
    if "runners" in path.parts or "demo" in path.parts:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        heavy = {item.split(".")[0] for item in names} & {"torch", "torchvision", "timm", "onnxruntime", "monai"}
        assert not heavy, f"{name(path)}:{node.lineno} imports {heavy}"


def test_every_setting_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    settings = set(
        re.findall(r"\b(?:KENSA_[A-Z_]+|DATABASE_URL|REDIS_URL)\b", (ROOT / "leaderboard/settings.py").read_text())
    )
    assert not {item for item in settings if item not in readme}


def test_every_make_target_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    assert not [target for target in targets if target != "help" and f"make {target}" not in readme]


@pytest.mark.django_db
def test_migrations_are_up_to_date():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_requirements_are_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert "==" in line, f"{file}: {line}"


def test_top_level_holds_the_four_folders_and_nothing_unexpected():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    top = {line.split("/")[0] for line in tracked}
    allowed = {*FLOORS, "tests", "docs", "manage.py", "Makefile", "docker-compose.yml", "Dockerfile", "LICENSE"}
    allowed |= {"requirements.txt", "requirements-dev.txt", "pyproject.toml", "README.md", "CHANGELOG.md"}
    assert {item for item in top if not item.startswith(".")} <= allowed


def test_the_licence_is_the_declared_one():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
