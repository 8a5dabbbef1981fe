"""What is shipped, and what is kept out of the repository."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import trigreason_graph

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LONGEST_MODULE = 300
"""Lines; a module that needs more is two modules."""

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|tmp/(?:models|wheels)|opt/\w+)/")
REGISTRY_HOST = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com))\b")
THIS = Path(__file__).name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by the tools of this environment (no network)."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(target.glob("*.whl")))


def tracked_text() -> list[tuple[str, str]]:
    """Name and content of each text file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    files = []
    for name in filter(None, done.stdout.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content and path.name != THIS:
            files.append((name, content.decode("utf-8", errors="replace")))
    return files


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("trigreason_graph", "benchmarks", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE}
    assert not too_long, f"over {LONGEST_MODULE} lines: {too_long}"


@pytest.mark.parametrize("unwanted", [MACHINE_PATH, REGISTRY_HOST], ids=["paths of a machine", "hosts of a registry"])
def test_the_repository_names_no(unwanted: re.Pattern[str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_text()
        for number, line in enumerate(text.splitlines(), 1)
        if unwanted.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert PROJECT["version"] == trigreason_graph.__version__ == version(PROJECT["name"]) == newest[1]


def test_the_wheel_installs_one_package_and_all_of_it(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"trigreason_graph"}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "trigreason_graph").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= set(names), f"not in the wheel: {sorted(here - set(names))}"


def test_the_wheel_carries_its_licence_and_command(wheel: zipfile.ZipFile) -> None:
    info = f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}.dist-info"
    assert "Apache License" in wheel.read(f"{info}/licenses/LICENSE").decode()
    assert "trigreason = trigreason_graph.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
