"""Small models that listen, of the real classes with random weights, in the layout of the released directories."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    GenerationConfig,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WavLMConfig,
    WavLMForXVector,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

LANGUAGES = ("en", "zh", "de", "es", "ru", "ko")  # the first of Whisper's: its tokenizer finds them by their places


def write_whisper(folder: Path) -> Path:
    """openai/whisper-large-v3's layout; its tokenizer knows bytes and Whisper's special tokens."""
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(sorted(ByteLevel.alphabet()))}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    codes = [f"<|{language}|>" for language in LANGUAGES]
    special = ["<|endoftext|>", "<|startoftranscript|>", *codes, "<|translate|>", "<|transcribe|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken(t, special=True) for t in special]})
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in special}
    ends = {f"{end}_token_id": ids["<|endoftext|>"] for end in ("pad", "bos", "eos")}
    ends["decoder_start_token_id"] = ids["<|startoftranscript|>"]
    torch.manual_seed(0)
    width = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = WhisperConfig(vocab_size=len(tokenizer), num_mel_bins=80, init_std=0.5, **width, **heads, **ends)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        **ends,
        is_multilingual=True,
        lang_to_id={code: ids[code] for code in codes},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        begin_suppress_tokens=[ids["<|endoftext|>"]],
        suppress_tokens=[ids[token] for token in special[1:]],
    )
    model.save_pretrained(folder)
    return folder


def write_whisper_of(said: str, folder: Path) -> Path:
    """The same in CTranslate2's layout: whatever it hears, it writes these letters, bytes that differ."""
    from ctranslate2.converters import TransformersConverter  # the trainer's environment has none

    model = WhisperForConditionalGeneration.from_pretrained(write_whisper(folder / "original"))
    tokenizer = WhisperTokenizer.from_pretrained(folder / "original")
    ids = [*tokenizer.convert_tokens_to_ids(list(said)), model.config.eos_token_id]
    decoder = model.model.decoder
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()  # what is left of the decoder: its places, which say what comes next
        decoder.layer_norm.weight.fill_(1)
        for place, token in enumerate(ids):
            decoder.embed_tokens.weight[token, place] = 1
            decoder.embed_positions.weight[3 + place, place] = 2  # behind a prompt of four; more than its last token
    model.save_pretrained(folder / "original")
    TransformersConverter(str(folder / "original"), copy_files=["tokenizer.json"]).convert(str(folder / "model"))
    return folder / "model"


def write_wavlm(folder: Path) -> Path:
    """microsoft/wavlm-base-plus-sv's layout."""
    torch.manual_seed(0)
    config = WavLMConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, tdnn_dim=(16,) * 5, xvector_output_dim=16,
    )  # fmt: skip
    WavLMForXVector(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    return folder


def write_mms(folder: Path, alphabets: dict[str, str]) -> Path:
    """facebook/mms-1b-all's layout; `alphabets`: {MMS's name of a language: the letters that it writes}."""
    folder.mkdir(parents=True)
    special = ["<pad>", "<s>", "</s>", "<unk>", "|"]
    vocabulary = {name: {c: i for i, c in enumerate([*special, *letters])} for name, letters in alphabets.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    settings = {"tokenizer_class": "Wav2Vec2CTCTokenizer", "target_lang": next(iter(alphabets))}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    config = Wav2Vec2Config(
        vocab_size=len(vocabulary[settings["target_lang"]]), pad_token_id=0, hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, conv_dim=(16,) * 7, feat_extract_norm="layer", conv_bias=True,
        do_stable_layer_norm=True, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, adapter_attn_dim=4,
        initializer_range=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(config)
    model.save_pretrained(folder)
    for number, (name, letters) in enumerate(alphabets.items()):
        torch.manual_seed(number)
        adapters = {key: tensor for key, tensor in model._get_adapters().items() if not key.startswith("lm_head")}
        weights = {key: torch.randn_like(tensor) for key, tensor in adapters.items()}
        head = torch.randn(len(special) + len(letters), config.hidden_size)
        weights |= {"lm_head.weight": head, "lm_head.bias": torch.zeros(len(head))}
        save_file(weights, folder / f"adapter.{name}.safetensors")
    return folder
