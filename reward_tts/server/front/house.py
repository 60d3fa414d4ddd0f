"""What both doors of the front, gRPC and HTTP, share: who may ask, what the server tells of itself, and the way in."""

import hmac
import logging
from collections import Counter
from collections.abc import Mapping

from tritonclient.grpc import model_config_pb2, service_pb2

from reward_tts.server.front.checks import Limits, Refused, checked, model_of
from reward_tts.server.front.upstream import Upstream
from reward_tts.server.wire import ModelSpec

log = logging.getLogger(__name__)


class House:
    """Args:
        models: by name; the first is the one that measures.
        tells: what those hear who ask for that one's configuration.
        secret: without it nobody may ask for inference; None: everybody may.
        limits: of a request.
        upstream: Triton.

    Attributes:
        refused: {name of a gRPC status: requests that were answered with it}.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        tells: Mapping[str, str],
        secret: str | None,
        limits: Limits,
        upstream: Upstream,
    ):
        self.models, self.upstream = models, upstream
        self.refused: Counter[str] = Counter()
        self._tells, self._secret, self._limits = tells, secret, limits

    def check_secret(self, sent: str | None) -> None:
        """Raises Refused (UNAUTHENTICATED) if a secret is needed and this is not it."""
        if self._secret is not None and not hmac.compare_digest((sent or "").encode(), self._secret.encode()):
            raise Refused("wrong secret" if sent else "wrong secret: none was sent", "UNAUTHENTICATED")

    async def infer(self, request: service_pb2.ModelInferRequest) -> service_pb2.ModelInferResponse:
        """Checked, asked, answered. Raises Refused or Unanswered."""
        return await self.upstream.infer(checked(request, self.models, self._limits))

    async def statistics(self, name: str, version: str) -> service_pb2.ModelStatisticsResponse:
        """Triton's, of one model, or of all without a name. Raises Refused if there is none, or Unanswered."""
        if name:
            model_of(name, version, self.models)
        return await self.upstream.statistics(name)

    async def ready(self) -> bool:
        """Whether every model is ready."""
        return all([await self.upstream.ready(name) for name in self.models])

    async def model_ready(self, name: str, version: str) -> bool:
        """Whether one is. Raises Refused if there is none of this name."""
        model_of(name, version, self.models)
        return await self.upstream.ready(name)

    def config(self, name: str, version: str) -> model_config_pb2.ModelConfig:
        """What the server tells of a model, without a word of where it lies. Raises Refused if there is none."""
        spec = model_of(name, version, self.models)
        config = model_config_pb2.ModelConfig(name=name, backend="python")
        config.max_batch_size = self._limits.max_batch_size if spec.batched else 0
        for tensor in spec.inputs:
            kind = getattr(model_config_pb2, _config_kind(tensor.kind))
            config.input.add(name=tensor.name, data_type=kind, dims=[tensor.width], optional=tensor.optional)
        for tensor in spec.outputs:
            config.output.add(
                name=tensor.name, data_type=getattr(model_config_pb2, _config_kind(tensor.kind)), dims=[tensor.width]
            )
        if name == next(iter(self.models)):
            for key, value in self._tells.items():
                config.parameters[key].string_value = value
        return config

    def metadata(self, name: str, version: str) -> service_pb2.ModelMetadataResponse:
        """Its tensors, in the protocol's words. Raises Refused if there is none."""
        spec = model_of(name, version, self.models)
        told = service_pb2.ModelMetadataResponse(name=name, versions=["1"], platform="python")
        rows = [-1] if spec.batched else []
        for field, tensors in ((told.inputs, spec.inputs), (told.outputs, spec.outputs)):
            for tensor in tensors:
                field.add(name=tensor.name, datatype=tensor.kind, shape=[*rows, tensor.width])
        return told

    def unforeseen(self) -> str:
        """Logs the exception being handled; what the client hears of it."""
        log.exception("a request failed in the front")
        return "the server failed on this request: its log tells more"


def _config_kind(kind: str) -> str:
    return "TYPE_STRING" if kind == "BYTES" else f"TYPE_{kind}"
