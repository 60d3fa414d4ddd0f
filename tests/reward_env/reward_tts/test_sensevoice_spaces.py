"""SenseVoice joins its pieces with the spaces that they bring: a sentencepiece model, the published rich tags."""

from types import SimpleNamespace

import pytest
import sentencepiece
import torch

from reward_tts.asr.sensevoice import SenseVoiceASR

SENTENCES = ["we are going to meet at the station", "今天 we meet 明天", "please share a pizza with us"]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> sentencepiece.SentencePieceProcessor:
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "text").write_text("\n".join(SENTENCES * 20), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.Train(
        input=str(folder / "text"), model_prefix=str(folder / "bpe"), vocab_size=60, model_type="bpe",
        user_defined_symbols=["<|en|>", "<|HAPPY|>", "<|Speech|>", "<|woitn|>"], hard_vocab_limit=False,
        character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "bpe.model"))


def collapsed(pieces: sentencepiece.SentencePieceProcessor, path: list[int]):
    asr = SenseVoiceASR.__new__(SenseVoiceASR)  # no weights: only how a path becomes a text is looked at
    size, blank = pieces.GetPieceSize(), pieces.unk_id()
    asr.tokenizer = SimpleNamespace(sp=pieces)
    ctc = SimpleNamespace(ctc_lo=lambda frames: torch.zeros(len(frames), size))
    asr.model, asr._frame_seconds = SimpleNamespace(blank_id=blank, ctc=ctc), 0.06
    return asr._collapse(path, torch.zeros(len(path), 4))


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_comes_out_with_its_spaces_and_without_tags(pieces, sentence: str):
    tags = [pieces.PieceToId(tag) for tag in ("<|en|>", "<|HAPPY|>", "<|Speech|>", "<|woitn|>")]
    blank, path = pieces.unk_id(), []
    for piece in [*tags, *pieces.EncodeAsIds(sentence)]:
        path += [piece, piece, blank]
    found = collapsed(pieces, path)
    assert found.text == sentence == pieces.DecodeIds(pieces.EncodeAsIds(sentence))
    assert len(found.char_times) == len(found.text)
    assert found.char_times == sorted(found.char_times)
