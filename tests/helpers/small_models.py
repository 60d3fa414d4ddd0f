"""Small models of the real architectures with random weights, in the layout of the released directories."""

import json
from pathlib import Path

import torch
import yaml
from tokenizers import AddedToken
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from models.tiny_mandarin.reward_asr import FRONTEND, WavFrontend, _write_cmvn
from speech.funasr_import import funasr_module, import_registered

PARAFORMER_SYMBOLS = ["<blank>", "<s>", "</s>", *"今天气很好我们明去上海三点半", "he@@", "llo", "ok", "<unk>"]

SMALL_ENCODER = {  # of Wav2Vec2 and of WavLM
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}


def paraformer(folder: Path, kind: str) -> Path:
    """A directory as iic/speech_paraformer-large_... (kind Paraformer) or ...seaco_paraformer... (BiCifParaformer,
    SeacoParaformer: with a second predictor for times) has it."""
    width, symbols = 32, PARAFORMER_SYMBOLS
    encoder = dict(output_size=width, attention_heads=2, linear_units=64, num_blocks=3, input_layer="pe")
    encoder |= dict(pos_enc_class="SinusoidalPositionEncoder", kernel_size=11, sanm_shfit=0)
    encoder |= dict(selfattention_layer_type="sanm", dropout_rate=0.1)
    decoder = dict(attention_heads=2, linear_units=64, num_blocks=2, att_layer_num=2, kernel_size=11, sanm_shfit=0)
    predictor = dict(idim=width, threshold=1.0, l_order=1, r_order=1, tail_threshold=0.45)
    if kind != "Paraformer":
        predictor |= dict(smooth_factor2=0.25, noise_threshold2=0.01, upsample_times=3, upsample_type="cnn_blstm")
        predictor |= dict(use_cif1_cnn=False)
    config = dict(
        model=kind,
        model_conf=dict(ctc_weight=0.0, lsm_weight=0.1, length_normalized_loss=True, predictor_weight=1.0),
        encoder="SANMEncoder",
        encoder_conf=encoder,
        decoder="ParaformerSANMDecoder",
        decoder_conf=decoder,
        predictor="CifPredictorV2" if kind == "Paraformer" else "CifPredictorV3",
        predictor_conf=predictor,
        frontend="WavFrontend",
        frontend_conf=dict(FRONTEND, cmvn_file=None),
        tokenizer="CharTokenizer",
        tokenizer_conf=dict(unk_symbol="<unk>", split_with_space=True),
    )
    if kind == "SeacoParaformer":
        config["model_conf"] |= dict(inner_dim=width, bias_encoder_type="lstm", NO_BIAS=len(symbols) - 1)
        config |= dict(seaco_decoder="ParaformerSANMDecoder", seaco_decoder_conf=dict(decoder, use_output_layer=False))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    (folder / "tokens.json").write_text(json.dumps(symbols, ensure_ascii=False))
    files = {"init_param": "model.pt", "config": "config.yaml", "tokenizer_conf": {"token_list": "tokens.json"}}
    files["frontend_conf"] = {"cmvn_file": "am.mvn"}
    (folder / "configuration.json").write_text(json.dumps({"model": {"type": "funasr"}, "file_path_metas": files}))
    generator = torch.Generator().manual_seed(0)
    raw, _ = WavFrontend(**FRONTEND)(0.1 * torch.randn(1, 32_000, generator=generator), torch.tensor([32_000]))
    _write_cmvn([raw[0]], folder / "am.mvn")
    torch.manual_seed(0)
    parts = {key: config[key] for key in config if key.split("_")[0] in ("encoder", "decoder", "predictor", "seaco")}
    import_registered(config)
    tables = funasr_module("funasr.register").tables
    network = tables.model_classes[kind](**config["model_conf"], **parts, input_size=560, vocab_size=len(symbols))
    torch.save({"state_dict": network.state_dict()}, folder / "model.pt")
    return folder


def whisper(folder: Path) -> Path:
    """A directory as openai/whisper-large-v3 has it; its tokenizer knows bytes and Whisper's special tokens."""
    alphabet = sorted(ByteLevel.alphabet())
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(alphabet)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>"]
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [AddedToken(t, special=True) for t in [*special, "<|notimestamps|>"]]}
    )
    WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(folder)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in [*special, "<|notimestamps|>"]}
    ends = {f"{end}_token_id": ids["<|endoftext|>"] for end in ("pad", "bos", "eos")}
    ends["decoder_start_token_id"] = ids["<|startoftranscript|>"]
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=80,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        init_std=0.5,  # so that it writes different things
        **ends,
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        **ends,
        is_multilingual=True,
        lang_to_id={"<|en|>": ids["<|en|>"], "<|zh|>": ids["<|zh|>"]},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        alignment_heads=[[0, 0], [0, 1]],
        begin_suppress_tokens=[ids["<|endoftext|>"]],
        suppress_tokens=[ids[token] for token in special[1:]],
    )
    model.save_pretrained(folder)
    return folder
