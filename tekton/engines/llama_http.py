"""Token counts from llama.cpp's own loopback port: the in-process API has no tokenizer.

The port listens on 127.0.0.1 under a random number and a random key that never leaves the
process.
"""

from __future__ import annotations

from typing import Any

import httpx2

from tekton.chat.types import Message
from tekton.engines.base import EngineError
from tekton.engines.llama_wire import engine_error, failure_of, message_dicts

TIMEOUT_S = 60.0


class Loopback:
    """A client of the port at `address`."""

    def __init__(self, address: str, key: str) -> None:
        # trust_env=False: a proxy of the environment must never see this traffic
        self._http = httpx2.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Tokens of the prompt that the model's template makes of the messages."""
        rendered = await self._post("/apply-template", {"messages": message_dicts(messages)})
        body = {"content": rendered["prompt"], "add_special": True, "parse_special": True}
        return len((await self._post("/tokenize", body))["tokens"])

    async def close(self) -> None:
        await self._http.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._http.post(path, json=body)
            answer: dict[str, Any] = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise EngineError(engine_error(f"llama.cpp's tokenizer: {error!r}")) from error
        if "error" in answer:
            raise EngineError(failure_of(answer["error"]))
        return answer
