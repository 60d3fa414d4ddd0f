"""Trains the reward ASR of the embedded default: a SenseVoice of one million parameters, FunASR's own classes.

Half of its training sentences are characters in random order: an ear that has learnt the grammar of the texts would
hear what ought to be there, and reward speech that a listener does not understand.
"""

import random
import shutil
from pathlib import Path

import numpy as np
import sentencepiece
import torch
import yaml
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from speech.files import whole_file
from speech.funasr_import import funasr_module

WavFrontend = funasr_module("funasr.frontends.wav_frontend").WavFrontend
SenseVoiceSmall = funasr_module("funasr.models.sense_voice.model").SenseVoiceSmall
SentencepiecesTokenizer = funasr_module("funasr.tokenizer.sentencepiece_tokenizer").SentencepiecesTokenizer

# SenseVoice prefixes each label with language, emotion, event and text normalisation; each is one symbol.
TAGS = ["<|zh|>", "<|en|>", "<|nospeech|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>", "<|withitn|>"]
LABEL_PREFIX = ["<|zh|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>"]
FRONTEND = dict(fs=16000, window="hamming", n_mels=80, frame_length=25, frame_shift=10, lfr_m=7, lfr_n=6, dither=0.0)


def scrambled(texts: list[str], count: int, min_length: int, max_length: int, seed: int) -> list[str]:
    """`count` strings of characters drawn at random from `texts`, as often as they occur there."""
    rng = random.Random(seed)
    characters = "".join(texts)
    return ["".join(rng.choices(characters, k=rng.randint(min_length, max_length))) for _ in range(count)]


def _config(width: int, blocks: int) -> dict:
    encoder = dict(output_size=width, attention_heads=4, linear_units=2 * width, num_blocks=blocks, tp_blocks=2)
    encoder |= dict(dropout_rate=0.05, positional_dropout_rate=0.0, attention_dropout_rate=0.0, input_layer="pe")
    encoder |= dict(pos_enc_class="SinusoidalPositionEncoder", normalize_before=True, kernel_size=11, sanm_shfit=0)
    encoder |= dict(selfattention_layer_type="sanm")
    return dict(
        model="SenseVoiceSmall",
        model_conf=dict(length_normalized_loss=True, sos=1, eos=2, ignore_id=-1),
        encoder="SenseVoiceEncoderSmall",
        encoder_conf=encoder,
        ctc_conf=dict(dropout_rate=0.0, ctc_type="builtin", reduce=True, ignore_nan_grad=True),
        frontend="WavFrontend",
        frontend_conf=dict(FRONTEND, cmvn_file=None),
        tokenizer="SentencepiecesTokenizer",
        tokenizer_conf=dict(bpemodel=None, unk_symbol="<unk>", split_with_space=True),
    )


def _write_tokenizer(texts: list[str], directory: Path) -> SentencepiecesTokenizer:
    characters = sorted(set("".join(texts)))
    corpus = directory / "characters.txt"
    corpus.write_text("\n".join(["".join(characters)] * 60), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(directory / "spm"),
        model_type="char",
        vocab_size=3 + len(TAGS) + len(characters),
        character_coverage=1.0,
        user_defined_symbols=TAGS,
        add_dummy_prefix=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    shutil.move(directory / "spm.model", directory / "bpe.model")
    corpus.unlink()
    (directory / "spm.vocab").unlink()
    return SentencepiecesTokenizer(bpemodel=str(directory / "bpe.model"))


def _write_cmvn(features: list[torch.Tensor], path: Path) -> None:
    """Kaldi's nnet text format, as FunASR's `load_cmvn` reads it: shift by -mean, scale by 1/std."""
    frames = torch.cat(features)
    size = frames.shape[1]

    def row(values: torch.Tensor) -> str:
        return "[ " + " ".join(f"{v:.6g}" for v in values.tolist()) + " ]"

    shift, scale = row(-frames.mean(0)), row(1 / frames.std(0).clamp_min(1e-3))
    path.write_text(
        f"<Nnet>\n<Splice> {size} {size}\n[ 0 ]\n<AddShift> {size} {size}\n<LearnRateCoef> 0 {shift}\n"
        f"<Rescale> {size} {size}\n<LearnRateCoef> 0 {scale}\n</Nnet>\n"
    )


def _batches(lengths: list[int], batch_size: int, rng: random.Random) -> list[list[int]]:
    """Index batches of similar length, in random order."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    pools = [order[i : i + batch_size * 16] for i in range(0, len(order), batch_size * 16)]
    batches = []
    for pool in pools:
        pool.sort(key=lengths.__getitem__)
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    rng.shuffle(batches)
    return batches


def train_reward_asr(
    texts: list[str],
    waves: list[np.ndarray],
    output_dir: str,
    steps: int,
    batch_size: int,
    learning_rate: float,
    width: int,
    blocks: int,
    seed: int,
) -> float:
    """Trains on waves float32 [samples] at 16 kHz and writes a FunASR model directory.

    Returns:
        The mean CTC loss of the last 50 steps.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    directory = Path(output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    config = _config(width, blocks)
    tokenizer = _write_tokenizer(texts, directory)
    (directory / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    raw = WavFrontend(**FRONTEND)
    _write_cmvn(
        [raw(torch.from_numpy(w)[None], torch.tensor([len(w)]))[0][0] for w in waves[:400]], directory / "am.mvn"
    )
    frontend = WavFrontend(**FRONTEND, cmvn_file=str(directory / "am.mvn"))
    features = [
        frontend(torch.from_numpy(w)[None], torch.tensor([len(w)]))[0][0]
        for w in tqdm(waves, desc="reward ASR: features", mininterval=5)
    ]
    symbol = {s: tokenizer.encode(s)[0] for s in [*TAGS, *sorted(set("".join(texts)))]}
    labels = [torch.tensor([symbol[s] for s in [*LABEL_PREFIX, *text]]) for text in texts]
    model = SenseVoiceSmall(
        **config["model_conf"],
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        ctc_conf=config["ctc_conf"],
        input_size=frontend.output_size(),
        vocab_size=tokenizer.get_vocab_size(),
    )
    # FunASR hard-codes the label ids of the 25055-symbol vocabulary (funasr/models/sense_voice/model.py, __init__).
    model.lid_int_dict = {symbol["<|zh|>"]: 3, symbol["<|en|>"]: 4, symbol["<|nospeech|>"]: 13}
    model.textnorm_int_dict = {symbol["<|withitn|>"]: 14, symbol["<|woitn|>"]: 15}
    loss = _fit(model, features, labels, steps, batch_size, learning_rate, rng)
    with whole_file(directory / "model.pt") as temporary:
        torch.save({"state_dict": model.state_dict()}, temporary)
    return loss


def _fit(
    model: torch.nn.Module,
    features: list[torch.Tensor],
    labels: list[torch.Tensor],
    steps: int,
    batch_size: int,
    learning_rate: float,
    rng: random.Random,
) -> float:
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1)
    model.train()
    queue, losses = [], []
    for _ in tqdm(range(steps), desc="reward ASR: training", mininterval=5):
        queue = queue or _batches([len(f) for f in features], batch_size, rng)
        rows = queue.pop()
        loss, stats, _ = model(
            speech=pad_sequence([features[i] for i in rows], batch_first=True),
            speech_lengths=torch.tensor([len(features[i]) for i in rows]),
            text=pad_sequence([labels[i] for i in rows], batch_first=True, padding_value=-1),
            text_lengths=torch.tensor([len(labels[i]) for i in rows]),
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        losses.append(stats["loss_ctc"].item())
    return float(np.mean(losses[-50:]))
