"""A server that speaks OpenAI's API, as OpenAI itself or as one of the servers that imitate it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from trigreason_graph.testing.servers.asked import Asked
from trigreason_graph.testing.servers.chat import ChatRequest, ChatWire
from trigreason_graph.testing.servers.faults import Faults
from trigreason_graph.testing.servers.flavours import (
    FLAVOURS,
    FlavourName,
    ReasoningField,
    too_long,
    unknown_model,
    wrong_key,
)
from trigreason_graph.testing.servers.record import Record
from trigreason_graph.testing.servers.reply import Refusal, Reply
from trigreason_graph.testing.servers.responses import ResponsesRequest, ResponsesWire, Stored
from trigreason_graph.testing.servers.server import LOOPBACK, Handler, Models, ModelServer, ServedModel
from trigreason_graph.testing.servers.thinking import Place, ThinkingReader
from trigreason_graph.testing.servers.writing import ModelReply, Wire

CHAT_PATHS = ("/v1/chat/completions", "/chat/completions", "/beta/chat/completions", "/beta/v1/chat/completions")
RESPONSES_PATH = "/v1/responses"
VLLM_VERSION = "0.11.0"


class OpenAIServer(ModelServer):
    """OpenAI's API: /v1/chat/completions, /v1/models and, of OpenAI's own flavour, /v1/responses.

        with OpenAIServer({"m": "4"}, flavour="vllm") as server:
            ChatOpenAI(model="m", base_url=f"{server.url}/v1", api_key="any").invoke("2 + 2?")

    | flavour | an assistant message at the end | a model's thinking |
    |---|---|---|
    | openai | is answered by a new turn | hidden, counted |
    | vllm | is continued with add_generation_prompt=false and continue_final_message=true | in a field |
    | sglang | is continued with continue_final_message=true | in a field |
    | llama.cpp | is continued, and repeated by replies that are not streamed; refused while thinking | in a field |
    | deepseek | is continued with `"prefix": true`, under /beta | in a field, counted |

    OpenAI also has /v1/responses, and refuses the parameters of others. vLLM has /health and /version, SGLang
    /health, llama.cpp /health and /props; DeepSeek does without /v1.

    Args:
        models: What is served, by name.
        flavour: Whose ways it has.
        key: The API key that is asked for; None: any, or none.
        reasoning_field: Where thinking is shown: "reasoning_content"; "reasoning", as vLLM since 0.11.2 and OpenRouter;
            None: it stays in the content, as with vLLM and SGLang that were started without a reasoning parser.
        cache_minimum: Shortest prompt of which a part is told to come from the cache; None: as the flavour's (OpenAI
            1,024 tokens).
        cache_block: Tokens by which that part grows; None: as the flavour's (OpenAI 128, DeepSeek 64, vLLM 16).
        faults: What goes wrong.
        host: Address to listen on.
        port: Port to listen on; 0: any free one.
        keep_alive: Whether connections are kept for further requests; see :class:`ModelServer`.
    """

    def __init__(
        self,
        models: Models,
        *,
        flavour: FlavourName = "openai",
        key: str | None = None,
        reasoning_field: ReasoningField | None = "reasoning_content",
        cache_minimum: int | None = None,
        cache_block: int | None = None,
        faults: Faults | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        keep_alive: bool = False,
    ) -> None:
        self.flavour = FLAVOURS[flavour]
        if cache_minimum is not None:
            self.flavour = replace(self.flavour, cache_minimum=cache_minimum)
        if cache_block is not None:
            self.flavour = replace(self.flavour, cache_block=cache_block)
        super().__init__(models, faults=faults, host=host, port=port, keep_alive=keep_alive)
        self._key = key
        self._reasoning_field = reasoning_field
        self._stored: dict[str, Stored] = {}

    def routes(self) -> Mapping[str, tuple[str, Handler]]:
        """As :meth:`ModelServer.routes`."""
        of_all: dict[str, tuple[str, Handler]] = {
            "/v1/models": ("GET", self._models),
            "/v1/models/{name:path}": ("GET", self._one_model),
            "/v1/chat/completions": ("POST", self._chat),
        }
        own: dict[str, dict[str, tuple[str, Handler]]] = {
            "openai": {
                RESPONSES_PATH: ("POST", self._responses),
                f"{RESPONSES_PATH}/{{name}}": ("GET", self._stored_response),
            },
            "vllm": {"/health": ("GET", self._health), "/version": ("GET", self._version)},
            "sglang": {"/health": ("GET", self._health)},
            "llama.cpp": {"/health": ("GET", self._health), "/props": ("GET", self._props)},
            "deepseek": {"/models": ("GET", self._models), **dict.fromkeys(CHAT_PATHS, of_all[CHAT_PATHS[0]])},
        }
        return of_all | own[self.flavour.name]

    def error_body(self, status: int, message: str, **fields: Any) -> Any:
        """As :meth:`ModelServer.error_body`; `fields` are those of OpenAI's form."""
        return self.flavour.error(status, message, fields)

    def calls_model(self, path: str) -> bool:
        """As :meth:`ModelServer.calls_model`."""
        return path in CHAT_PATHS or path == RESPONSES_PATH

    async def _chat(self, request: Request, record: Record) -> Reply:
        self._check_key(request)
        body = self._body(record, "messages")
        model = self._model(body["model"])
        try:
            asked = ChatRequest(self.flavour, body, beta=record.path.startswith("/beta")).asked(model)
        except ValueError as refused:
            raise self._refused(refused) from refused
        wire = ChatWire(self.flavour, body, asked, self._reasoning_field)
        return await self._reply(record, model, asked, wire)

    async def _responses(self, request: Request, record: Record) -> Reply:
        self._check_key(request)
        body = self._body(record, "input")
        model = self._model(body["model"])
        try:
            asked = ResponsesRequest(body, self._stored).asked(model)
        except ValueError as refused:
            raise self._refused(refused) from refused
        return await self._reply(record, model, asked, ResponsesWire(body, asked, self._stored, thinks=asked.think))

    async def _reply(self, record: Record, model: ServedModel, asked: Asked, wire: Wire) -> Reply:
        record.tokens_in = await model.backend.count(asked)
        if record.tokens_in > model.window:
            message, fields = too_long(self.flavour, record.tokens_in, model.window)
            raise Refusal(400, self.error_body(400, message, **fields))
        unparsed = self._reasoning_field is None and not self.flavour.hides
        reader = ThinkingReader("answer" if unparsed else _place(asked), strips=self.flavour.strips)
        return ModelReply(self, record, wire, model.backend, asked, reader, self.flavour.cached)

    async def _models(self, request: Request, record: Record) -> Reply:
        if self.flavour.name != "llama.cpp":
            self._check_key(request)
        return Reply(self, record, {"object": "list", "data": [self._card(*named) for named in self.models.items()]})

    async def _one_model(self, request: Request, record: Record) -> Reply:
        self._check_key(request)
        name = unquote(request.path_params["name"])
        return Reply(self, record, self._card(name, self._model(name)))

    async def _stored_response(self, request: Request, record: Record) -> Reply:
        self._check_key(request)
        name = request.path_params["name"]
        if name not in self._stored:
            raise Refusal(404, self.error_body(404, f"Response with id '{name}' not found.", code=None))
        return Reply(self, record, self._stored[name].response)

    async def _health(self, request: Request, record: Record) -> Reply:
        return Reply(self, record, {"status": "ok"} if self.flavour.name == "llama.cpp" else "")

    async def _version(self, request: Request, record: Record) -> Reply:
        return Reply(self, record, {"version": VLLM_VERSION})

    async def _props(self, request: Request, record: Record) -> Reply:
        self._check_key(request)
        name, model = next(iter(self.models.items()))
        settings = {"n_ctx": model.window}
        return Reply(
            self, record, {"default_generation_settings": settings, "total_slots": 1, "model_path": f"{name}.gguf"}
        )

    def _card(self, name: str, model: ServedModel) -> dict[str, Any]:
        owners = {"llama.cpp": "llamacpp"}
        card = {
            "id": name,
            "object": "model",
            "created": int(time.time()),
            "owned_by": owners.get(self.flavour.name, self.flavour.name),
        }
        if self.flavour.name in ("vllm", "sglang"):
            card |= {"root": name, "parent": None, "max_model_len": model.window}
        if self.flavour.name == "llama.cpp":
            card["meta"] = {"n_ctx_train": model.window}
        return card

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer").strip()
        if self._key is not None and given != self._key:
            message, fields = wrong_key(self.flavour, given)
            raise Refusal(401, self.error_body(401, message, **fields))

    def _body(self, record: Record, needed: str) -> dict[str, Any]:
        if not isinstance(record.body, dict):
            raise Refusal(400, self.error_body(400, "We could not parse the JSON body of your request."))
        for field in ("model", needed):
            missing = record.body.get(field) in (None, "", [])
            if missing and not (field == "model" and self.flavour.any_model):
                code = "missing_required_parameter"
                raise Refusal(
                    400, self.error_body(400, f"Missing required parameter: '{field}'.", param=field, code=code)
                )
        return {"model": next(iter(self.models)), **record.body}

    def _model(self, name: str) -> ServedModel:
        if name in self.models:
            return self.models[name]
        if self.flavour.any_model:
            return next(iter(self.models.values()))
        status, message = unknown_model(self.flavour, name)
        raise Refusal(status, self.error_body(status, message))

    def _refused(self, refused: ValueError) -> Refusal:
        message, fields = (*refused.args, {})[:2]
        status = fields.get("status", 400)
        own = {name: value for name, value in fields.items() if name != "status"}
        return Refusal(status, self.error_body(status, message, **own))


def _place(asked: Asked) -> Place:
    if not asked.think or asked.past_thinking:
        return "answer"
    return "inside" if asked.prefill is None else "thinking"
