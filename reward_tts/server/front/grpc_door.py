"""The front's gRPC: the methods of Triton's service that a client of rows needs. Others do not exist here."""

from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2 as messages

from reward_tts.measures import SECRET_HEADER
from reward_tts.server.front.checks import Refused
from reward_tts.server.front.house import House
from reward_tts.server.front.upstream import Unanswered

_SERVICE = "inference.GRPCInferenceService"


def server(house: House, max_request_bytes: int, max_under_way: int) -> grpc.aio.Server:
    """The service, not yet listening."""
    made = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a lottery
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.max_send_message_length", -1),
        ],
        maximum_concurrent_rpcs=2 * max_under_way,  # those over max_under_way get an answer that says so
    )
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(_answered(house, name, method))
        for name, method in _methods(house).items()
    }
    made.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, handlers)])
    return made


Method = Callable[[bytes, grpc.aio.ServicerContext], Awaitable[object]]


def _methods(house: House) -> dict[str, Method]:
    def check_secret(context: grpc.aio.ServicerContext) -> None:
        sent = dict(context.invocation_metadata() or ()).get(SECRET_HEADER)
        house.check_secret(sent if isinstance(sent, str) else None)

    async def infer(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        check_secret(context)
        return await house.infer(messages.ModelInferRequest.FromString(raw))

    async def statistics(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        """By which a client that waits sees that the server works; only of those who may ask for inference."""
        check_secret(context)
        asked = messages.ModelStatisticsRequest.FromString(raw)
        return await house.statistics(asked.name, asked.version)

    async def live(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        return messages.ServerLiveResponse(live=True)

    async def ready(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        return messages.ServerReadyResponse(ready=await house.ready())

    async def model_ready(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        asked = messages.ModelReadyRequest.FromString(raw)
        return messages.ModelReadyResponse(ready=await house.model_ready(asked.name, asked.version))

    async def metadata(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        return messages.ServerMetadataResponse(name="verl-tts", version="1")

    async def model_metadata(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        asked = messages.ModelMetadataRequest.FromString(raw)
        return house.metadata(asked.name, asked.version)

    async def config(raw: bytes, context: grpc.aio.ServicerContext) -> object:
        asked = messages.ModelConfigRequest.FromString(raw)
        return messages.ModelConfigResponse(config=house.config(asked.name, asked.version))

    return {
        "ModelInfer": infer,
        "ModelStatistics": statistics,
        "ServerLive": live,
        "ServerReady": ready,
        "ModelReady": model_ready,
        "ServerMetadata": metadata,
        "ModelMetadata": model_metadata,
        "ModelConfig": config,
    }


def _answered(house: House, name: str, method: Method) -> Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]:
    """The method with its faults as gRPC statuses; of what was not foreseen only the log tells more."""

    async def answer(raw: bytes, context: grpc.aio.ServicerContext) -> bytes:
        try:
            return (await method(raw, context)).SerializeToString()
        except DecodeError:
            problem, code = f"this is no request of {name}", "INVALID_ARGUMENT"
        except (Refused, Unanswered) as error:
            problem, code = str(error), error.code
        except Exception:
            problem, code = house.unforeseen(), "INTERNAL"
        if name != "ModelStatistics":  # our client asks while it waits, also while Triton is started again
            house.refused[code] += 1
        await context.abort(grpc.StatusCode[code], problem)

    return answer
