"""Waves from the reward server: its model `token2wav`, so that nobody else needs a decoder of its own."""

from collections.abc import Sequence

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from reward_tts.addresses import as_address
from reward_tts.client import secret_headers
from speech.interfaces import NoMemory, Passing, Row

_MODEL, _WAIT_S = "token2wav", 60
# Of reward_tts/server/front/upstream.py: what a row is to blame for, and how it begins to speak of one.
_OF_THE_ROW, _ROW = ("StatusCode.INVALID_ARGUMENT", "StatusCode.INTERNAL"), "row "
# Given any, tritonclient leaves out its own: waves are longer than gRPC's 4 MiB.
_CHANNEL = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1)]


class ServedWaves:
    """A `speech.interfaces.Token2Wav` that asks a running reward server.

    Args:
        address: host:grpc_port.
        secret_env: recipe.server.secret_env.
        token_rate, codebook_size: recipe's.

    Attributes:
        sample_rate: Hz; known from the first wave on, 0 before.
    """

    def __init__(
        self, address: str, secret_env: str | None = None, token_rate: float | None = None, codebook_size: int = 0
    ):
        self.address, self._headers = as_address(address), secret_headers(secret_env)
        self.token_rate, self.codebook_size, self.sample_rate = float(token_rate or 0.0), codebook_size, 0

    def decode(self, rows: Sequence[Row]) -> list[np.ndarray]:
        """One wave float32 [samples] per row.

        Raises:
            InferenceServerException: the server refuses a row, or fails on it.
            NoMemory: it had no memory for a row.
            Passing: it is away, busy, or not what was expected; whatever the row is.
        """
        with InferenceServerClient(self.address, channel_args=_CHANNEL) as client:
            return [self._one(client, row) for row in rows]

    def _one(self, client: InferenceServerClient, row: Row) -> np.ndarray:
        tokens = np.asarray(row.tokens, np.int32)
        inputs = [InferInput("TOKENS", [len(tokens)], "INT32")]
        inputs[0].set_data_from_numpy(tokens)
        for name, value in (("VOICE", row.voice), ("TEXT", row.text)):
            if value:
                inputs.append(InferInput(name, [1], "BYTES"))
                inputs[-1].set_data_from_numpy(np.array([value.encode()], np.object_))
        try:
            answer = client.infer(_MODEL, inputs, headers=self._headers, client_timeout=_WAIT_S)
        except InferenceServerException as error:
            if error.status() in _OF_THE_ROW:
                raise
            full = error.status() == "StatusCode.RESOURCE_EXHAUSTED" and (error.message() or "").startswith(_ROW)
            raise (NoMemory if full else Passing)(f"reward server {self.address}: {error}") from error
        self.sample_rate = int(answer.as_numpy("SAMPLE_RATE")[0])
        return answer.as_numpy("WAVE")
