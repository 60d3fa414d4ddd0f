"""Trains the speech-token codec of the embedded default on the teacher's mels: k-means tokens, learned mel decoder.

Tokens are taken from the teacher's mel, not from audio: analysing the wave again costs more than the quantiser does
(RESULTS.md, "What was tried").
"""

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from models.tiny_mandarin.token2wav import MelDecoder


def fit_codebook(decoder: MelDecoder, mels: list[np.ndarray], max_vectors: int, seed: int) -> None:
    """Sets the decoder's normalisation and k-means codebook from log-mels float32 [frames, mel_bins]."""
    from sklearn.cluster import MiniBatchKMeans  # here, because it takes half of a builder's start

    frames = np.concatenate(mels)
    mean, std = frames.mean(0), frames.std(0) + 1e-3
    decoder.mel_mean.copy_(torch.from_numpy(mean))
    decoder.mel_std.copy_(torch.from_numpy(std))
    width = decoder.codebook.shape[1]
    k = decoder.frames_per_token
    stacked = np.concatenate([((m - mean) / std)[: len(m) // k * k].reshape(-1, width) for m in mels])
    rng = np.random.default_rng(seed)
    sample = stacked[rng.permutation(len(stacked))[:max_vectors]]
    kmeans = MiniBatchKMeans(len(decoder.codebook), batch_size=8192, n_init=1, max_iter=40, random_state=seed)
    decoder.codebook.copy_(torch.from_numpy(kmeans.fit(sample).cluster_centers_.astype(np.float32)))


def train_decoder(
    decoder: MelDecoder,
    mels: list[np.ndarray],
    steps: int,
    batch_size: int,
    crop_tokens: int,
    learning_rate: float,
    seed: int,
) -> float:
    """Fits the mel decoder on random crops, L1 loss on normalised mel; returns the mean loss of the last 50 steps."""
    k = decoder.frames_per_token
    rng = np.random.default_rng(seed)
    crop = crop_tokens * k
    mels = [m[: len(m) // k * k] for m in mels if len(m) >= crop + k]
    if not mels:
        raise ValueError(f"no utterance is longer than the crop of {crop_tokens} tokens: lower build.codec.crop_tokens")
    tokens = decoder.encode_all(mels)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.05)
    decoder.train()
    losses = []
    for _ in tqdm(range(steps), desc="codec: mel decoder", mininterval=5):
        rows = [(i, rng.integers(len(tokens[i]) - crop_tokens + 1)) for i in rng.integers(len(mels), size=batch_size)]
        target = torch.from_numpy(np.stack([mels[i][s * k : s * k + crop] for i, s in rows]))
        source = torch.from_numpy(np.stack([tokens[i][s : s + crop_tokens] for i, s in rows]).astype(np.int64))
        with torch.autocast("cpu", torch.bfloat16):
            mel = decoder(source)
        loss = F.l1_loss(
            (mel.float() - decoder.mel_mean) / decoder.mel_std, (target - decoder.mel_mean) / decoder.mel_std
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    decoder.eval()
    return float(np.mean(losses[-50:]))
