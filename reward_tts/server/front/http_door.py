"""The front's HTTP: Triton's JSON, as the published CosyVoice client posts it, its binary tensor data extension, which
tritonclient uses, and the questions that run.sh asks."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from reward_tts.measures import SECRET_HEADER_HTTP
from reward_tts.server.front.checks import Refused, packed, unpacked
from reward_tts.server.front.house import House
from reward_tts.server.front.upstream import Unanswered

_STATUS = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 503,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
_INT32 = range(-(2**31), 2**31)
_HEAD = "Inference-Header-Content-Length"  # bytes of JSON that a body begins with; raw contents stand behind them
_DEPTH = 3  # of lists in `data`: rows, elements
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(house: House, max_request_bytes: int, read_s: float) -> web.Application:
    """What answers on the HTTP port.

    Args:
        house: behind it.
        max_request_bytes: of a body.
        read_s: how long a body may take to come.
    """

    async def live(request: web.Request) -> web.Response:
        return web.Response()

    async def ready(request: web.Request) -> web.Response:
        return web.Response(status=200 if await house.ready() else 503)

    async def model_ready(request: web.Request) -> web.Response:
        return web.Response(status=200 if await house.model_ready(*_model(request)) else 503)

    async def told(request: web.Request) -> web.Response:
        return web.json_response({"name": "verl-tts", "version": "1", "extensions": ["binary_tensor_data"]})

    async def metadata(request: web.Request) -> web.Response:
        return _json(house.metadata(*_model(request)))

    async def config(request: web.Request) -> web.Response:
        return _json(house.config(*_model(request)))

    async def infer(request: web.Request) -> web.Response:
        house.check_secret(request.headers.get(SECRET_HEADER_HTTP))
        async with asyncio.timeout(read_s):
            body = await request.read()
        name, version = _model(request)
        asked, binary = request_of(body, name, version, request.headers.get(_HEAD))
        said, behind = answer_of(await house.infer(asked), binary)
        if not behind:
            return web.json_response(said)
        head = json.dumps(said).encode()
        kind = {_HEAD: str(len(head)), "Content-Type": "application/octet-stream"}
        return web.Response(body=b"".join([head, *behind]), headers=kind)

    app = web.Application(client_max_size=max_request_bytes, middlewares=[_faults(house)])
    app.router.add_get("/v2", told)
    app.router.add_get("/v2/health/live", live)
    app.router.add_get("/v2/health/ready", ready)
    for prefix in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        app.router.add_get(prefix, metadata)
        app.router.add_get(f"{prefix}/ready", model_ready)
        app.router.add_get(f"{prefix}/config", config)
        app.router.add_post(f"{prefix}/infer", infer)
    return app


class Door:
    """A port that an application listens on; `listen` makes it."""

    def __init__(self, runner: web.AppRunner, server: asyncio.Server):
        self._runner, self._server = runner, server

    async def close(self) -> None:
        """After what was begun."""
        self._server.close()
        await self._runner.cleanup()


async def listen(app: web.Application, host: str, port: int, max_connections: int, drain_s: float) -> Door:
    """Listens; of more than max_connections at once the others are closed as they come. What a client asked that has
    gone is ended: nobody waits for it, and it would be one of max_under_way."""
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=drain_s, handle_signals=False, handler_cancellation=True
    )
    await runner.setup()
    handlers, made = runner.server, runner.server.connection_made

    def connection_made(handler: Any, transport: asyncio.Transport) -> None:
        made(handler, transport)
        if len(handlers.connections) > max_connections:
            transport.abort()

    handlers.connection_made = connection_made
    return Door(runner, await asyncio.get_running_loop().create_server(handlers, host, port))


def _model(request: web.Request) -> tuple[str, str]:
    return request.match_info["model"], request.match_info.get("version", "")


def _json(message: Any) -> web.Response:
    return web.json_response(MessageToDict(message, preserving_proto_field_name=True))


def _faults(house: House) -> Callable:
    """Every fault as {"error": reason} with its status; of what was not foreseen the log has the trace."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Refused, Unanswered) as error:
            code, status, problem = error.code, _STATUS[error.code], str(error)
        except web.HTTPException as error:
            code, status, problem = f"HTTP_{error.status}", error.status, error.reason
        except TimeoutError:
            code, status, problem = "HTTP_408", 408, "the request's body did not come"
        except Exception:
            code, status, problem = "INTERNAL", 500, house.unforeseen()
        house.refused[code] += 1
        return web.json_response({"error": problem}, status=status)

    return middleware


def request_of(
    body: bytes, name: str, version: str, head: str | None = None
) -> tuple[ModelInferRequest, frozenset[str] | None]:
    """Triton's JSON as a request of its protocol, and which outputs are wanted as raw contents; None: all.

    Args:
        head: how many bytes of the body are JSON; raw contents of inputs follow. None: all of them.

    Raises:
        Refused: it is not, or a number does not fit its type.
    """
    if head is not None and not (head.isascii() and head.isdecimal() and len(head) < 12 and int(head) <= len(body)):
        raise Refused(f"{_HEAD} is {head[:20]!r}: not within a body of {len(body)} bytes")
    at = len(body) if head is None else int(head)
    asked = _object(body[:at])
    request = ModelInferRequest(model_name=name, model_version=version, id=_text(asked, "id", ""))
    _known(asked, {"id", "inputs", "outputs", "parameters"}, "a request")
    by_default = _flag(asked, "binary_data_output", "a request", False)
    for tensor in _objects(asked, "inputs"):
        _known(tensor, {"name", "shape", "datatype", "data", "parameters"}, "an input")
        shape = tensor.get("shape")
        if not isinstance(shape, list) or len(shape) > _DEPTH or not all(_is_size(size) for size in shape):
            raise Refused("shape of an input is a list of a few sizes")
        kind, title = _text(tensor, "datatype"), _text(tensor, "name")
        size = _parameter(tensor, "binary_data_size", "an input")
        if size is None:
            raw = _raw(_flat(tensor.get("data"), title), kind, title)
        elif "data" in tensor or not _is_size(size) or at + size > len(body):
            raise Refused(
                f"{title[:100]!r} has binary_data_size {str(size)[:20]}: with data of its own, or more than the "
                f"{len(body) - at} bytes that are left behind the JSON"
            )
        else:
            raw, at = body[at : at + size], at + size
        request.inputs.add(name=title, datatype=kind, shape=shape)
        request.raw_input_contents.append(raw)
    if at != len(body):
        raise Refused(f"{len(body) - at} bytes behind the JSON are of no input")
    binary = None if by_default else frozenset()
    if outputs := _objects(asked, "outputs") if "outputs" in asked else []:
        for output in outputs:
            _known(output, {"name", "parameters"}, "an output")
            request.outputs.add(name=_text(output, "name"))
        binary = frozenset(o["name"] for o in outputs if _flag(o, "binary_data", "an output", by_default))
    return request, binary


def answer_of(
    answer: ModelInferResponse, binary: frozenset[str] | None = frozenset()
) -> tuple[dict[str, Any], list[bytes]]:
    """Triton's JSON of an answer, where what is no number is null; and the raw contents to follow it (`request_of`)."""
    outputs, behind = [], []
    for tensor, raw in zip(answer.outputs, answer.raw_output_contents, strict=True):
        said = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        outputs.append(said)
        if binary is None or tensor.name in binary:
            said["parameters"] = {"binary_data_size": len(raw)}
            behind.append(raw)
        elif tensor.datatype == "BYTES":
            values = unpacked(raw, math.prod(tensor.shape), tensor.name)
            said["data"] = [value.decode("utf-8", errors="replace") for value in values]
        else:
            data = np.frombuffer(raw, {"INT32": "<i4", "FP32": "<f4"}[tensor.datatype]).tolist()
            said["data"] = [None if isinstance(v, float) and not math.isfinite(v) else v for v in data]
    told = {"model_name": answer.model_name, "model_version": answer.model_version, "outputs": outputs}
    return told | ({"id": answer.id} if answer.id else {}), behind


def _parameter(found: dict[str, Any], name: str, what: str) -> Any:
    """The one parameter that is offered there, or None."""
    told = found.get("parameters") or {}
    if not isinstance(told, dict) or set(told) - {name}:
        raise Refused(f"parameters of {what} other than {name} (shared memory among them) are not offered")
    return told.get(name)


def _flag(found: dict[str, Any], name: str, what: str, default: bool) -> bool:
    value = _parameter(found, name, what)
    if not isinstance(value, bool | None):
        raise Refused(f"{name} of {what} is true or false")
    return default if value is None else value


def _object(body: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(made := dict(pairs)) != len(pairs):
            raise ValueError("a key is there twice")
        return made

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        asked = json.loads(body, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the body is no JSON: {str(error)[:200] or 'nested too deeply'}") from None
    if not isinstance(asked, dict):
        raise Refused("the body is no JSON object")
    return asked


def _objects(asked: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = asked.get(key)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(f"{key} is a list of objects")
    return found


def _known(found: dict[str, Any], keys: set[str], what: str) -> None:
    if strange := [key[:50] for key in found if key not in keys]:
        raise Refused(f"{what} has no {strange[:3]}")


def _text(found: dict[str, Any], key: str, default: str | None = None) -> str:
    value = found.get(key, default)
    try:
        if isinstance(value, str) and value.encode() is not None:
            return value
    except UnicodeEncodeError:
        pass
    raise Refused(f"{key} is a text")


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _flat(data: object, name: str, depth: int = _DEPTH) -> list[Any]:
    """`data` as one list; rows may be lists of their own, as the published client sends them."""
    if not isinstance(data, list) or depth == 0:
        raise Refused(f"data of {name[:100]!r} is a list, of rows or of elements")
    if not any(isinstance(one, list) for one in data):
        return data
    return [value for row in data for value in _flat(row, name, depth - 1)]


def _raw(values: list[Any], kind: str, name: str) -> bytes:
    """Elements as raw contents. Raises Refused if one does not fit: nothing is wrapped around or rounded."""
    if kind == "INT32":
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool) or value not in _INT32:
                raise Refused(f"{name[:100]!r} has {str(value)[:50]}, which is no INT32")
        return np.array(values, "<i4").tobytes()
    if kind == "BYTES":
        for value in values:
            if not isinstance(value, str):
                raise Refused(f"{name[:100]!r} has {str(value)[:50]}, which is no text")
        try:
            return packed([value.encode() for value in values])
        except UnicodeEncodeError:
            raise Refused(f"{name[:100]!r} has half of a character (a lone surrogate)") from None
    raise Refused(f"datatype {kind[:20]!r} of {name[:100]!r} is not offered")
