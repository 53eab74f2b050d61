"""The engines of those who validate by the description: ECMA-262's regular expressions, and Ajv. They run in Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.setup.openapi_tools import OpenApiTools

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("engine.js")


class EngineError(Exception):
    """What the engine threw, such as a pattern that it can't read."""


class Engine:
    """One process of Node, asked one thing after another.

    Args:
        description: the file of the API's description, into which pointers such as `#/components/schemas/Gateway` lead.
    """

    def __init__(self, description: Path) -> None:
        tools = OpenApiTools(ROOT)
        command = [tools.node(), str(PROGRAM), str(tools.folder), str(description)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # It ends with what it reads.
        self._process.communicate()

    def matches(self, pattern: str, text: str, flags: str = "u") -> bool:
        """Whether a text matches somewhere. Raises EngineError for what is no pattern under these flags."""
        return bool(self._ask("matches", pattern=pattern, text=text, flags=flags))

    def compiles(self, pointer: str) -> bool:
        """Whether Ajv takes the schema there. Raises EngineError, which says what is wrong with it."""
        return bool(self._ask("compiles", pointer=pointer))

    def errors(self, pointer: str, value: Any) -> list[str]:
        """What is wrong with a value by the schema there; nothing when it is valid. Raises EngineError."""
        return list(self._ask("errors", pointer=pointer, value=value))

    def _ask(self, ask: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"ask": ask, **given}), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "problem" in answer:
            raise EngineError(f"{answer['problem']} (asked: {ask} {given})"[:1000])
        return answer["answer"]
