"""The doctor's looks at this machine: quick, and without changing anything."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from trigreason_graph.cli.findings import Finding

if TYPE_CHECKING:
    import httpx
    from packaging.requirements import Requirement

PACKAGE = "trigreason-graph"
NEEDED_EXTRA = "embedded"
"""The extra without which the embedded pair cannot run."""

OLLAMA_SECONDS = 1.0
"""Longest wait for an Ollama server: a local one answers within milliseconds."""

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "DEEPSEEK_API_KEY", "OPENROUTER_API_KEY")


def check_python() -> Finding:
    """The interpreter; an older one could not have installed the package."""
    text = f"{platform.python_version()} ({sys.executable})"
    return Finding("Python", "ok", text, details={"version": platform.python_version(), "executable": sys.executable})


def check_packages() -> Iterator[Finding]:
    """Installed versions against the floors in this package's own metadata, core first, then its extras."""
    try:
        requirements = _requirements()
    except metadata.PackageNotFoundError:
        yield Finding("packages", "problem", f"{PACKAGE} is not installed, only importable", "pip install -e .")
        return
    yield _check_group("packages", requirements.pop(""), required=True)
    for extra, group in requirements.items():
        yield _check_group(f"extra {extra}", group, required=extra == NEEDED_EXTRA, extra=extra)


def _requirements() -> dict[str, list[Requirement]]:
    """Requirements by extra; the core's under the empty name. "all" only repeats other extras."""
    from packaging.requirements import Requirement

    declared = [Requirement(text) for text in metadata.requires(PACKAGE) or ()]
    extras = metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    core = [one for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})]
    groups = {"": core}
    for extra in (name for name in extras if name != "all"):
        own = [
            one
            for one in declared
            if one not in core and one.name != PACKAGE and one.marker and one.marker.evaluate({"extra": extra})
        ]
        if own:
            groups[extra] = own
    return groups


def _check_group(topic: str, group: list[Requirement], *, required: bool, extra: str = "") -> Finding:
    rows = [_installed(requirement) for requirement in group]
    wrong = [requirement for requirement, row in zip(group, rows, strict=True) if not row["ok"]]
    details: dict[str, Any] = {"packages": rows}
    if not wrong:
        return Finding(topic, "ok", ", ".join(f"{row['name']} {row['version']}" for row in rows), details=details)
    faults = [_fault(row) for row in rows if not row["ok"]]
    asked = " ".join(f"'{one.name}{one.specifier}'" for one in wrong)
    mend = install_extra(extra) if extra else f"pip install -U {asked}"
    return Finding(topic, "problem" if required else "note", "; ".join(faults), mend, details)


def _installed(requirement: Requirement) -> dict[str, Any]:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        version = None
    fits = version is not None and requirement.specifier.contains(version, prereleases=True)
    return {"name": requirement.name, "version": version, "needs": str(requirement.specifier), "ok": fits}


def _fault(row: dict[str, Any]) -> str:
    if row["version"] is None:
        return f"{row['name']} is not installed"
    return f"{row['name']} {row['version']} does not meet {row['needs']}"


def install_extra(extra: str) -> str:
    """What to type to get an extra: in a checkout that is installed in place, from there."""
    origin = json.loads(metadata.distribution(PACKAGE).read_text("direct_url.json") or "{}")
    in_place = origin.get("dir_info", {}).get("editable", False)
    return f"pip install -e '.[{extra}]'" if in_place else f"pip install '{PACKAGE}[{extra}]'"


def check_cores() -> Finding:
    """Cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", "ok", str(cores), details={"cores": cores})


def check_ollama() -> Finding:
    """An Ollama server, its models, and whether it reports log-probabilities. Optional."""
    import httpx

    from trigreason_graph.models.ollama import LOGPROBS_SINCE, reports_logprobs, server_url, without_password

    url = server_url(None)
    address = without_password(url)
    details: dict[str, Any] = {"address": address, "version": None, "models": []}
    try:
        with httpx.Client(base_url=url, timeout=OLLAMA_SECONDS) as client:
            version = str(_fetch(client, "/api/version")["version"])
            listed = _fetch(client, "/api/tags").get("models") or []
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError):
        text = f"none answers at {address} (needed for ollama: models only)"
        return Finding("Ollama", "note", text, "ollama serve", details)
    names = [str(model.get("name")) for model in listed]
    details |= {"version": version, "models": names, "logprobs": reports_logprobs(version)}
    text = f"{version} at {address}: {', '.join(names) if names else 'no models pulled'}"
    if not reports_logprobs(version):
        text += f"; too old for log-probabilities, which begin with {LOGPROBS_SINCE}"
        return Finding("Ollama", "note", text, "curl -fsSL https://ollama.com/install.sh | sh", details)
    if not names:
        return Finding("Ollama", "note", text, "ollama pull deepseek-r1:1.5b", details)
    return Finding("Ollama", "ok", text, details=details)


def _fetch(client: httpx.Client, path: str) -> dict[str, Any]:
    body = client.get(path).raise_for_status().json()
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def check_keys() -> Finding:
    """Which API keys are set, by name; their values are not looked at."""
    held = {name: bool(os.environ.get(name)) for name in KEYS}
    there = [name for name, is_set in held.items() if is_set]
    absent = [name for name, is_set in held.items() if not is_set]
    text = f"set: {', '.join(there) or 'none'}; not set: {', '.join(absent) or 'none'}"
    return Finding("API keys", "ok" if there else "note", text, details=dict(held))
