"""What a reward server could not measure of a training is told before it begins, with the line or texts to blame."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sentencepiece import SentencePieceTrainer
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from speech.files import write_jsonl
from stages import machine, processes
from stages.config import compose_stage, recipes
from stages.preflight import check_planned, check_reward, check_training
from stages.run import plan
from stages.without_measure import LEFT_OUT, of_terms, of_texts, provided


def test_a_term_that_no_scorer_offers_is_refused_before_a_model_is_loaded():
    """At b75001f0 a dry run passed, and the server said it after it had loaded all of them."""
    own = ["recipe.reward.terms.mos.weight=0.5"]
    _, planned = plan("cosyvoice2", "serve", "train", own)
    with pytest.raises(SystemExit, match=rf"line: \+\+{own[0]}: recipe\.reward\.terms\.mos needs the measure mos"):
        check_training(planned[-1], planned)
    mos = "+scorers.mos={_target_: reward_tts.scorers.mos.DNSMOSScorer}"
    _, planned = plan("cosyvoice2", "serve", "train", [*own, mos])
    check_training(planned[-1], planned)
    _, planned = plan("cosyvoice2", "train", "train", own)
    check_training(planned[-1], planned)  # another's server is asked itself


def test_every_recipe_offers_what_its_reward_needs():
    for recipe in recipes():
        assert list(of_terms(compose_stage(recipe, "grpo"), compose_stage(recipe, "server"))) == [], recipe


@pytest.mark.parametrize(
    ("target", "measures"),
    [
        ("reward_tts.scorers.mos.DNSMOSScorer", ("mos",)),
        ("reward_tts.scorers.mos.DistillMOS", None),  # named by an argument
        ("reward_tts.scorers.xvector.XVector", ("speaker_similarity",)),  # of the class that it extends
        ("reward_tts.asr.mms.MMSASR", ()),
        ("reward_tts.scorers.nowhere.Scorer", None),
    ],
)
def test_what_a_scorer_offers_is_read_from_its_source(target, measures):
    assert provided(target) == measures


def test_texts_that_are_too_long_for_whispers_likelihood_are_named_before_training(tmp_path):
    """A tokenizer whose tokens are bytes; Whisper reads 448 with its prompt of 4: 148 characters of 3 bytes."""
    tokenizer = Tokenizer(BPE({char: i for i, char in enumerate(sorted(ByteLevel.alphabet()))}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"max_target_positions": 448}')
    rows = [{"style": "rule", "ground_truth": text} for text in ("今" * 148, "今" * 149, "a" * 444)]
    pq.write_table(pa.table({"reward_model": rows}), tmp_path / "rows.parquet")

    def faults(*overrides: str) -> list[tuple[str, str]]:
        whisper = f"recipe.reward_asr_dir={tmp_path}"
        own = (whisper, f"recipe.work_dir={tmp_path}", f"data.train_files={tmp_path}/rows.parquet", *overrides)
        cfgs = compose_stage("llasa", "grpo", own), compose_stage("llasa", "server", (whisper,))
        return list(of_texts(*cfgs, write_jsonl))

    ((key, why),) = faults()
    assert key == "data.train_files"
    told = f"text 2 has 447 of Whisper's tokens, more than 444 ('{'今' * 20}'...)"
    assert why.endswith(f"rows.parquet, {told}. Without them: {LEFT_OUT}={tmp_path}/without_measure.jsonl")
    assert faults(f"{LEFT_OUT}={tmp_path}/without_measure.jsonl") == []
    cer = ("recipe/reward=cer", "recipe.reward.logged=[]")
    assert faults(*cer) == []
    ((_, why),) = faults(*cer, "+recipe.reward.terms.likelihood={weight: 0.5}")  # by the reward's own ASR
    assert told in why
    wrong = "recipe.reward.terms.silence.weight=-1"
    assert faults(wrong) == []  # the reward itself is wrong, which is told with its place
    with pytest.raises(SystemExit, match=rf"^run\.sh: command line: {wrong}: "):
        check_reward("llasa", compose_stage("llasa", "grpo", (wrong,)), [wrong])


def test_a_list_of_such_texts_is_written_where_a_run_works_and_no_other_does(tmp_path, monkeypatch):
    """At a612d515 a dry run wrote it, and a command that was to be refused, over the list that another run may read."""
    monkeypatch.setattr(machine, "gpus", lambda: 0)
    (tmp_path / "token_ear.json").write_text('{"units": ["jin1"]}')
    rows = [{"ground_truth": text} for text in ("天", *["今"] * 31)]
    pq.write_table(pa.table({"reward_model": rows}), tmp_path / "rows.parquet")
    term = "+recipe.reward.terms.token_likelihood={weight: 0.5, tau: 3.0}"
    own = [f"recipe.{key}={tmp_path}" for key in ("work_dir", "token_ear_dir")]
    _, stages = plan("cosyvoice2", "serve", "train", [*own, f"data.train_files={tmp_path}/rows.parquet", term])
    listed = tmp_path / "without_measure.jsonl"

    def refused(told: str, here: bool = True) -> bool:
        with pytest.raises(SystemExit, match=told):
            check_planned(stages, lambda stage: True, here=here)
        return listed.exists()

    assert not refused(r"text 1 has \['tian1'\].*without_measure\.jsonl, which the run itself writes", here=False)
    check_planned(stages, lambda stage: False)  # it is done already
    assert not listed.exists()
    with processes.locked(tmp_path, processes.RUN_LOCK):
        assert not refused("another run works in")
    assert refused(r"text 1 has \['tian1'\].*without_measure\.jsonl$")


def test_texts_that_sensevoice_or_the_token_ear_cannot_spell_are_named_first(tmp_path):
    """Both fail on a text, whatever is spoken: at b75001f0 the first rollouts of it ended the run."""
    (tmp_path / "corpus").write_text("今天三号你好\nwe go\n" * 20, encoding="utf-8")
    names = {"input": str(tmp_path / "corpus"), "model_prefix": str(tmp_path / "bpe"), "model_type": "bpe"}
    SentencePieceTrainer.Train(**names, vocab_size=30, hard_vocab_limit=False, minloglevel=2)
    units = ["jin1", "tian1", "san1", "hao4", "ni3"]
    (tmp_path / "token_ear.json").write_text(json.dumps({"units": units}))
    texts = ["今天3号。", "你们", "We go", "今天", "天上"]
    rows = {"reward_model": [{"ground_truth": text} for text in texts]}
    rows["extra_info"] = [{"language": "en" if text == "We go" else "zh", "index": 0} for text in texts]
    pq.write_table(pa.table(rows), tmp_path / "rows.parquet")

    def faults(*overrides: str) -> list[tuple[str, str]]:
        own = tuple(f"recipe.{key}={tmp_path}" for key in ("work_dir", "reward_asr_dir", "token_ear_dir"))
        cfg = compose_stage("cosyvoice2", "grpo", (*own, f"data.train_files={tmp_path}/rows.parquet", *overrides))
        return list(of_texts(cfg, compose_stage("cosyvoice2", "server", own), write_jsonl))

    def listed() -> list[str]:
        return [json.loads(line)["text"] for line in (tmp_path / "without_measure.jsonl").read_text().splitlines()]

    assert faults() == []
    ((key, why),) = faults("+recipe.reward.terms.likelihood={weight: 0.5, tau: 3.0}")
    assert key == "data.train_files"
    assert "text 2 cannot be spelled: SenseVoice has no symbols for ['们'] of '你们'" in why
    assert listed() == ["你们", "天上"]
    known = f"{LEFT_OUT}={tmp_path}/without_measure.jsonl"
    ((_, why),) = faults("+recipe.reward.terms.token_likelihood={weight: 0.5, tau: 3.0}", known)
    assert "text 3 has ['go', 'we'], which the token ear never heard ('We go'...)" in why
    assert listed() == ["你们", "天上", "We go"]
    ((key, why),) = faults(f"{LEFT_OUT}=nowhere.jsonl")
    assert key == LEFT_OUT and "no JSONL of" in why and "FileNotFoundError" in why
