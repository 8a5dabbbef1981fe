"""The OpenAI server's Responses API, asked by OpenAI's own client and by ChatOpenAI, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI

from tests.unencrypted import no_certificates  # noqa: F401 - of itself used by every test
from trigreason_graph.testing import Asked, OpenAIServer, Scripted, ServedModel

KEY = "sk-planted0123456789abcdef"
SEVEN = Scripted("It is 7.", thinking="3 + 4\nis 7", probability=0.5)
LOGPROBS: list[Any] = ["message.output_text.logprobs"]


def heard(asked: Asked) -> str:
    return " | ".join(f"{turn['role']}: {turn['content']}" for turn in asked.messages)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer({"plain": "It is 7.", "o": ServedModel(SEVEN, thinking=True), "heard": heard}) as running:
        yield running


@pytest.fixture
def client(server: OpenAIServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as opened:
        yield opened


class TestWhole:
    def test_a_plain_model(self, client: openai.OpenAI) -> None:
        response = client.responses.create(model="plain", input="3 + 4?", include=LOGPROBS, top_logprobs=2)
        assert (response.status, response.output_text, [item.type for item in response.output]) == (
            "completed",
            "It is 7.",
            ["message"],
        )
        part = response.output[0].content[0]  # type: ignore[union-attr,index]
        assert [one.token for one in part.logprobs] == ["It", " is", " 7."]  # type: ignore[union-attr]

    def test_a_reasoning_model(self, server: OpenAIServer, client: openai.OpenAI) -> None:
        response = client.responses.create(model="o", input="3 + 4?", reasoning={"effort": "low"})
        assert [item.type for item in response.output] == ["reasoning", "message"]
        assert "3 + 4" not in response.output_text
        usage, record = response.usage, server.requests[0]
        assert usage is not None
        assert usage.output_tokens == record.tokens_out == 14
        assert usage.output_tokens_details.reasoning_tokens == record.tokens_reasoning == 11
        assert (usage.input_tokens, usage.total_tokens) == (5, 19)

    def test_cut_in_the_reasoning(self) -> None:
        long = ServedModel(Scripted("7", thinking="so " * 40), thinking=True)
        with OpenAIServer({"o": long}) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client:
            response = client.responses.create(model="o", input="3 + 4?", max_output_tokens=16)
        assert (response.status, response.output_text) == ("incomplete", "")
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "max_output_tokens"
        assert [item.type for item in response.output] == ["reasoning"]

    def test_instructions_and_turns(self, client: openai.OpenAI) -> None:
        turns: list[Any] = [{"role": "user", "content": "3 + 4?"}, {"role": "assistant", "content": "It"}]
        response = client.responses.create(model="heard", instructions="Be brief.", input=turns)
        assert response.output_text == "system: Be brief. | user: 3 + 4? | assistant: It"

    async def test_asynchronously(self, server: OpenAIServer) -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client:
            assert (await client.responses.create(model="plain", input="3 + 4?")).output_text == "It is 7."
            stream = await client.responses.create(model="plain", input="3 + 4?", stream=True)
            assert [event.type async for event in stream][-1] == "response.completed"


class TestStreamed:
    def test_events_in_their_order(self, client: openai.OpenAI) -> None:
        events = list(client.responses.create(model="o", input="3 + 4?", stream=True))
        assert [event.type.removeprefix("response.") for event in events] == [
            "created",
            "in_progress",
            "output_item.added",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            *["output_text.delta"] * 3,
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed",
        ]
        assert [event.sequence_number for event in events] == list(range(len(events)))

    def test_the_text_and_what_it_comes_to(self, client: openai.OpenAI) -> None:
        with client.responses.stream(model="plain", input="3 + 4?", include=LOGPROBS) as stream:
            deltas = [event for event in stream if event.type == "response.output_text.delta"]
            response = stream.get_final_response()
        assert "".join(event.delta for event in deltas) == response.output_text == "It is 7."
        assert [one.token for event in deltas for one in event.logprobs] == ["It", " is", " 7."]
        assert response.usage is not None

    def test_cut_by_the_limit(self) -> None:
        with (
            OpenAIServer({"m": "so " * 40}) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY) as client,
        ):
            events = list(client.responses.create(model="m", input="3 + 4?", max_output_tokens=16, stream=True))
        assert events[-1].type == "response.incomplete"


class TestStored:
    def test_a_response_can_be_fetched_and_gone_on_from(self, client: openai.OpenAI) -> None:
        first = client.responses.create(model="plain", input="3 + 4?", instructions="Be brief.")
        assert client.responses.retrieve(first.id).output_text == "It is 7."
        second = client.responses.create(model="heard", input="Sure?", previous_response_id=first.id)
        assert second.output_text == "user: 3 + 4? | assistant: It is 7. | user: Sure?"

    def test_not_when_told_not_to(self, client: openai.OpenAI) -> None:
        response = client.responses.create(model="plain", input="3 + 4?", store=False)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response.id)
        with pytest.raises(openai.BadRequestError, match="not found") as error:
            client.responses.create(model="plain", input="Sure?", previous_response_id=response.id)
        assert error.value.code == "previous_response_not_found"

    def test_reasoning_that_was_not_stored_cannot_be_sent_back(self, client: openai.OpenAI) -> None:
        response = client.responses.create(model="o", input="3 + 4?", store=False)
        again: Any = [{"role": "user", "content": "3 + 4?"}, response.output[0].model_dump(exclude_none=True)]
        with pytest.raises(openai.NotFoundError, match="Items are not persisted when `store` is set to false"):
            client.responses.create(model="o", input=again, store=False)

    @pytest.mark.parametrize("options", [{}, {"store": False, "include": ["reasoning.encrypted_content"]}])
    def test_reasoning_that_was_stored_or_brought_along(self, client: openai.OpenAI, options: dict[str, Any]) -> None:
        response = client.responses.create(model="o", input="3 + 4?", **options)
        again: Any = [{"role": "user", "content": "3 + 4?"}, response.output[0].model_dump(exclude_none=True)]
        assert client.responses.create(model="o", input=again, **options).output_text == "It is 7."


class TestRefused:
    @pytest.mark.parametrize(
        ("model", "options", "code"),
        [
            ("plain", {"max_output_tokens": 5}, "integer_below_min_value"),
            ("plain", {"reasoning": {"effort": "low"}}, "unsupported_parameter"),
            ("o", {"temperature": 0.5}, "unsupported_parameter"),
            ("plain", {"extra_body": {"stop": ["\n"]}}, "unknown_parameter"),
            ("other", {}, "model_not_found"),
        ],
    )
    def test_what_the_real_one_refuses(
        self, client: openai.OpenAI, model: str, options: dict[str, Any], code: str
    ) -> None:
        with pytest.raises(openai.APIStatusError) as error:
            client.responses.create(model=model, input="3 + 4?", **options)
        assert error.value.code == code

    def test_input_it_does_not_know(self, client: openai.OpenAI) -> None:
        calls: Any = [{"type": "function_call_output", "call_id": "1", "output": "7"}]
        with pytest.raises(openai.BadRequestError, match="function_call_output"):
            client.responses.create(model="plain", input=calls)

    @pytest.mark.parametrize("flavour", ["vllm", "llama.cpp", "deepseek"])
    def test_only_openai_has_it(self, flavour: Any) -> None:
        with (
            OpenAIServer({"m": "7"}, flavour=flavour) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client,
            pytest.raises(openai.NotFoundError),
        ):
            client.responses.create(model="m", input="3 + 4?")


class TestChatOpenAI:
    def model(self, server: OpenAIServer, name: str, **fields: Any) -> ChatOpenAI:
        return ChatOpenAI(
            model=name,
            base_url=f"{server.url}/v1",
            api_key=KEY,  # type: ignore[arg-type]
            max_retries=0,
            use_responses_api=True,
            **fields,
        )

    async def test_whole(self, server: OpenAIServer) -> None:
        model = self.model(server, "o", reasoning={"effort": "low"}, store=False)
        message = await model.ainvoke("3 + 4?", max_tokens=64)
        assert message.text == "It is 7."
        assert message.usage_metadata is not None
        assert message.usage_metadata["output_tokens"] == 14
        assert message.usage_metadata["output_token_details"]["reasoning"] == 11
        asked = server.requests[0].body
        assert (asked["store"], asked["reasoning"], asked["max_output_tokens"]) == (False, {"effort": "low"}, 64)

    async def test_streamed(self, server: OpenAIServer) -> None:
        chunks = [chunk async for chunk in self.model(server, "o").astream("3 + 4?")]
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        assert whole.text == "It is 7."
        assert whole.response_metadata["status"] == "completed"
        assert whole.usage_metadata is not None
        assert whole.usage_metadata["output_token_details"]["reasoning"] == 11

    def test_a_conversation(self, server: OpenAIServer) -> None:
        model = self.model(server, "heard", store=False)
        turns = [HumanMessage("3 + 4?"), AIMessage("It is 7."), HumanMessage("Sure?")]
        assert model.invoke(turns).text == "user: 3 + 4? | assistant: It is 7. | user: Sure?"
