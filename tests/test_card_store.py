"""Where cards are kept, what makes two models two, and what is not used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_ollama import ChatOllama

from trigreason_graph.models import ModelCard, ReasoningModel, resolve_model
from trigreason_graph.models.card_store import best_card, cards_dir, place_of, read_record, record_path, save_record
from trigreason_graph.models.embedded.catalog import MODELS
from trigreason_graph.models.embedded.chat import EmbeddedChat
from trigreason_graph.models.known import card_of
from trigreason_graph.testing import ScriptedModel


def ollama(name: str = "m", url: str = "http://box.lan:11434", **fields: object) -> ChatOllama:
    return ChatOllama(model=name, base_url=url, **fields)


def kept(model: ChatOllama, **found: object) -> ModelCard:
    """A card kept for a model, with these findings."""
    card = replace(card_of(model), **found)
    save_record(model, card)
    return card


class TestPlace:
    def test_the_tests_have_their_own(self, tmp_path: Path) -> None:
        assert cards_dir().is_relative_to(tmp_path)

    def test_by_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRIGREASON_CARDS", "/a/cards")
        monkeypatch.setenv("TRIGREASON_HOME", "/a/home")
        assert cards_dir() == Path("/a/cards")
        monkeypatch.delenv("TRIGREASON_CARDS")
        assert cards_dir() == Path("/a/home/cards")
        monkeypatch.delenv("TRIGREASON_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", "/a/cache")
        assert cards_dir().name == "cards"
        assert cards_dir().parent.name == "trigreason"

    def test_one_file_a_model_and_server(self) -> None:
        models = [ollama(), ollama("n"), ollama(url="http://other.lan:1"), EmbeddedChat(source="small")]
        assert len({record_path(model) for model in models}) == 4
        assert record_path(ollama("qwen3:0.6b")).name.startswith("ollama-qwen3-0.6b-")
        assert record_path(ollama()) == record_path(ollama(temperature=0.5))

    def test_a_name_that_is_no_file_name(self) -> None:
        path = record_path(ollama("../../etc/passwd:" + "x" * 300))
        assert path.parent == cards_dir()
        assert len(path.name) < 120

    def test_a_password_in_an_address_goes_nowhere(self) -> None:
        model = ollama(url="http://user:secret@box.lan:1")
        assert "secret" not in place_of(model)
        kept(model)
        assert "secret" not in record_path(model).read_text()

    def test_a_file_of_the_users_own_is_another_one_when_it_changes(self, tmp_path: Path) -> None:
        file = tmp_path / "model.gguf"
        model = EmbeddedChat(source=str(file))
        assert place_of(model) == str(file)
        file.write_bytes(b"a")
        first = place_of(model)
        file.write_bytes(b"another")
        assert place_of(model) != first
        assert place_of(EmbeddedChat(source="small")) == MODELS["small"].sha256


class TestUse:
    def test_a_kept_card_is_used(self) -> None:
        card = kept(ollama(), logprobs=False, window=8192, digest="d")
        assert resolve_model(ollama(), "small").card == card
        assert best_card(ollama("n")).digest == ""

    def test_a_model_from_a_string(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OLLAMA_HOST", "box.lan:1")
        card = kept(ChatOllama(model="m"), trims_newlines=True)
        assert resolve_model("ollama:m", "large").card == card
        monkeypatch.setenv("OLLAMA_HOST", "box.lan:2")
        assert resolve_model("ollama:m", "large").card.trims_newlines is False

    def test_what_the_client_says_goes_first(self) -> None:
        kept(ollama("qwen3:0.6b"), window=8192, logprobs=False)
        card = best_card(ollama("qwen3:0.6b", num_ctx=2048, reasoning=False))
        assert (card.window, card.form, card.logprobs) == (2048, "content", False)

    def test_a_card_given_by_hand_goes_first(self) -> None:
        kept(ollama(), logprobs=False)
        own = ModelCard(provider="mine", name="m")
        assert resolve_model(ReasoningModel(inner=ollama(), card=own), "small").card == own

    def test_a_card_that_the_model_carries_goes_first(self) -> None:
        model = ScriptedModel(script=[])
        save_record(model, replace(model.trigreason_card, logprobs=False, window=1))
        assert best_card(model) == model.trigreason_card
        assert best_card(model, named=True).window == 1

    def test_a_new_probe_takes_the_place_of_the_last(self) -> None:
        kept(ollama(), window=1)
        kept(ollama(), window=2)
        assert best_card(ollama()).window == 2
        assert [path.suffix for path in cards_dir().iterdir()] == [".json"]

    def test_what_is_kept(self) -> None:
        save_record(ollama(), card_of(ollama()), [("streams", True, "probed"), ("window", None, "unknown")])
        record = read_record(ollama())
        assert record is not None
        assert record.findings == (("streams", True, "probed"), ("window", None, "unknown"))
        assert record.when.endswith("+00:00")


class TestUnused:
    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"package": "0"}', "\x00"])
    def test_an_unreadable_file(self, text: str, caplog: pytest.LogCaptureFixture) -> None:
        kept(ollama(), logprobs=False)
        record_path(ollama()).write_text(text)
        assert best_card(ollama()).logprobs is True
        assert "unreadable" in caplog.text
        assert "trigreason doctor --probe" in caplog.text

    def test_a_value_that_no_card_has(self, caplog: pytest.LogCaptureFixture) -> None:
        kept(ollama(), logprobs=False)
        path = record_path(ollama())
        whole = json.loads(path.read_text())
        whole["card"]["style"] = "sung"
        path.write_text(json.dumps(whole))
        assert read_record(ollama()) is None
        assert "unreadable" in caplog.text

    def test_a_file_of_another_version(self, caplog: pytest.LogCaptureFixture) -> None:
        kept(ollama(), logprobs=False)
        path = record_path(ollama())
        path.write_text(json.dumps({**json.loads(path.read_text()), "package": "0.0.1"}))
        assert best_card(ollama()).logprobs is True
        assert "is of version 0.0.1 and not used" in caplog.text

    def test_none_is_nothing_to_log(self, caplog: pytest.LogCaptureFixture) -> None:
        assert read_record(ollama()) is None
        assert caplog.text == ""
