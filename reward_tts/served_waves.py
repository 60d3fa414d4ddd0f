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
    """A `speech.interfaces.Token2Wav` that asks a running reward server, or another one of the same run where that one
    is away, busy or short of memory.

    Args:
        address: host:grpc_port.
        more: recipe.server.more, further ones.
        secret_env: recipe.server.secret_env.
        token_rate, codebook_size: recipe's.

    Attributes:
        addresses: the one that is asked first stands first: who answered last.
        sample_rate: Hz; known from the first wave on, 0 before.
    """

    def __init__(
        self,
        address: str,
        secret_env: str | None = None,
        token_rate: float | None = None,
        codebook_size: int = 0,
        more: Sequence[str] = (),
    ):
        self.addresses, self._headers = [as_address(one) for one in (address, *more)], secret_headers(secret_env)
        self.token_rate, self.codebook_size, self.sample_rate = float(token_rate or 0.0), codebook_size, 0

    def decode(self, rows: Sequence[Row]) -> list[np.ndarray]:
        """One wave float32 [samples] per row.

        Raises:
            InferenceServerException: the server refuses a row, or fails on it.
            NoMemory: one of them had no memory for a row, and no other spoke it.
            Passing: all of them are away, busy, or not what was expected; whatever the row is.
        """
        waves: list[np.ndarray] = []
        faults: list[Passing] = []  # of the next row, one of each address in its order
        order = self.addresses  # of this call: threads share the attribute
        while len(waves) < len(rows):
            if len(faults) == len(order):
                raise next((one for one in faults if isinstance(one, NoMemory)), faults[0])
            address = order[len(faults)]
            try:
                with InferenceServerClient(address, channel_args=_CHANNEL) as client:
                    for row in rows[len(waves) :]:
                        waves.append(self._one(client, address, row))
                        faults, order = [], [address, *(one for one in order if one != address)]
                        self.addresses = order  # for the next call, whatever becomes of this one
            except Passing as fault:
                faults.append(fault)
        return waves

    def _one(self, client: InferenceServerClient, address: str, row: Row) -> np.ndarray:
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
            raise (NoMemory if full else Passing)(f"reward server {address}: {error}") from error
        self.sample_rate = int(answer.as_numpy("SAMPLE_RATE")[0])
        return answer.as_numpy("WAVE")
