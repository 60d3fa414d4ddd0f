"""The token ear learns from rows that are heard: a small ear that takes one syllable for another, made-up tokens."""

import json
import random
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from reward_tts.measures import Measures, Status
from reward_tts.reward.config import Distil, RewardConfigError
from reward_tts.reward.reward import Reward
from reward_tts.server.distil import Distillation
from reward_tts.server.instance import learned_path
from reward_tts.server.shortcut import Gate, Shortcut
from reward_tts.token_ear import TokenEar, first_reading
from sft.token_ear import train
from speech.interfaces import Row
from stages.config import compose_stage

CHARACTERS = "今天明早三四五六"  # each is three tokens of its own


def row(text: str) -> Row:
    tokens = [3 * CHARACTERS.index(char) + part for char in text for part in range(3)]
    return Row(np.array(tokens, np.int32), None, "zh", text)


def rows(count: int, seed: int) -> list[Row]:
    rng = random.Random(seed)
    return [row("".join(rng.choices(CHARACTERS, k=rng.randint(3, 6)))) for _ in range(count)]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As the server has it; with several, which wait for each other, small updates take minutes on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def ear_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an ear that learned to read 六 where 四 is said: 六 is in its texts and its units, and 四 is in its units."""
    folder = tmp_path_factory.mktemp("deaf")
    told = [{"text": one.text.replace("四", "六"), "speech_tokens": one.tokens.tolist()} for one in rows(200, seed=0)]
    told.append({"text": "四", "speech_tokens": [23, 22, 21, 20]})  # so that it has the unit, by sounds of no row
    (folder / "texts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
    own = {
        "texts": [str(folder / "texts.jsonl")], "more": [], "label": "text", "most_rows": None, "more_held_out": 0,
        "held_out": None, "features": None, "network": {"width": 32, "kernels": [3, 3], "frames_per_token": 1},
        "steps": 150, "batch_size": 16, "learning_rate": 0.01, "blur": {"near": 0.0, "other": 0.05}, "bfloat16": False,
        "seed": 0, "checkpoints": str(folder / "checkpoints"), "save_every": 500, "log_every": 500,
    }  # fmt: skip
    recipe = {"language": "zh", "codebook_size": 24, "token_ear_dir": str(folder / "ear")}
    train(OmegaConf.create({"token_ear": own, "recipe": recipe}))
    return folder / "ear"


@pytest.fixture
def ear(ear_dir: Path) -> TokenEar:
    return TokenEar.load(ear_dir)


@pytest.fixture
def make(ear: TokenEar, tmp_path: Path) -> Callable[..., Distillation]:
    def made(name: str = "learned.pt", **changes) -> Distillation:
        own = {"every": 64, "steps": 10, "rate": 0.003} | changes
        return Distillation(ear, Distil(**own), tmp_path / name, seed=0)

    return made


def wrong(ear: TokenEar, some: list[Row]) -> set[str]:
    """Which characters of these rows are read as something else, where as many units are read as there are."""
    found = set()
    for one, read in zip(some, ear.transcribe([one.tokens.tolist() for one in some]), strict=True):
        assert len(read.units) == len(one.text)
        found |= {char for char, unit in zip(one.text, read.units, strict=True) if first_reading(char, "zh") != [unit]}
    return found


def hear(distillation: Distillation, some: list[Row], said: Callable[[Row], str] = lambda one: one.text) -> None:
    for one in some:
        distillation.add(one, said(one))
        distillation.learn()


def test_it_learns_the_syllable_that_it_was_deaf_to_from_rows_that_are_heard(ear, make):
    held_out, learned = rows(100, seed=7), make()
    assert wrong(ear, held_out) == {"四"}
    hear(learned, rows(640, seed=1))
    assert wrong(learned.newest(ear), held_out) == set()
    assert wrong(ear, held_out) == {"四"}  # what the stage trained stays as it was
    assert 0 < learned.updates <= 100 and 0 < learned.told()["loss"] < 0.2


def test_what_reads_the_held_back_rows_worse_is_not_taken(ear, make):
    """Heard are other texts than are said, of which nothing can be learned: the present ear stays."""
    learned, rng = make(rate=0.03), random.Random(3)
    right = [one for one in rows(400, seed=2) if "四" not in one.text]
    learned._held_back.extend(learned._pair(one, one.text) for one in right[:100])
    hear(learned, right[100:], lambda one: "".join(rng.sample(one.text, len(one.text))))
    assert learned.newest(ear) is ear and learned.updates == 0


@pytest.mark.parametrize("heard", ["", "。", "hello", "猫", "三三三三三三"])
def test_a_row_that_nothing_can_be_learned_from_is_left_out(make, heard):
    """Nothing heard; a unit without a class; six equal units need eleven frames, and there are nine."""
    learned = make(every=1)
    learned.add(row("三四五"), heard)
    assert not learned.learn() and not learned._pairs and not learned._held_back
    assert learned._pair(row("三四五"), "三三三三三").labels == [learned._ear.index["san1"]] * 5


def test_a_server_that_is_started_again_goes_on_from_what_was_learned(ear, make, tmp_path):
    whole, first = make("whole.pt"), make()
    hear(whole, rows(640, seed=1))
    hear(first, rows(640, seed=1)[:320])
    assert 0 < first.updates < whole.updates
    again = make()
    assert again.updates == first.updates
    (group,) = make(rate=0.01)._optimizer.param_groups
    assert group["lr"] == 0.01  # the configured one, not that of before
    network = first.newest(ear).network.state_dict()
    for name, tensor in again.newest(ear).network.state_dict().items():
        torch.testing.assert_close(tensor, network[name], rtol=0, atol=0)
    assert again.was_taught(rows(640, seed=1)[0])
    hear(again, rows(640, seed=1)[320:])
    assert wrong(again.newest(ear), rows(100, seed=7)) == set()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["learned.pt", "whole.pt"]


def test_what_another_ear_has_learned_is_not_taken(ear, make, capsys):
    hear(make(), rows(640, seed=1))
    with torch.no_grad():
        ear.network.head.bias += 0.01
    other = make()
    assert other.updates == 0 and other.newest(ear) is ear
    assert "was learned from another ear, it is not used" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_set_aside_and_it_begins_anew(ear, make, tmp_path, capsys):
    hear(make(), rows(640, seed=1)[:128])
    whole = (tmp_path / "learned.pt").read_bytes()
    (tmp_path / "learned.pt").write_bytes(whole[: len(whole) // 2])
    again = make()
    assert again.updates == 0 and again.newest(ear) is ear and not again.was_taught(rows(640, seed=1)[0])
    assert "begins anew" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["learned.pt.unreadable"]


def test_each_server_of_a_work_folder_keeps_what_it_learns_for_itself():
    for given, name in ((), "token_ear.pt"), (("recipe.server.name=serve-alpha",), "token_ear-serve-alpha.pt"):
        recipe = compose_stage("tiny_mandarin", "server", given).recipe
        assert learned_path(recipe) == Path("exp/tiny_mandarin/grpo", name)


def test_a_save_that_fails_leaves_the_file_as_it_was(ear, make, tmp_path, monkeypatch):
    learned = make()
    hear(learned, rows(640, seed=1)[:320])
    before = (tmp_path / "learned.pt").read_bytes()

    def cut_off(state: dict, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(OSError, match="No space left"):
        hear(learned, rows(640, seed=1)[320:])
    assert (tmp_path / "learned.pt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["learned.pt"]


def test_what_is_known_as_taught_is_bounded_in_memory_and_in_the_file(make, tmp_path):
    """16 times 4 rows are known, the last ones; in the file they have the same room after 5000 rows and 10 000."""
    learned, sizes = make(remember=4, held_back=4, every=100_000), []
    some = [Row(np.array([n // 24**p % 24 for p in range(12)], np.int32), None, "zh", "今天") for n in range(10_000)]
    for part in (some[:5000], some[5000:]):
        hear(learned, part)
        assert [learned.was_taught(one) for one in part[-65:]] == [False] + [True] * 64
        learned._save()
        sizes.append((tmp_path / "learned.pt").stat().st_size)
    assert sizes[0] == sizes[1]
    assert [make(remember=4).was_taught(one) for one in some[-65:]] == [False] + [True] * 64


class Recorded:
    """A pipeline that hears what the tokens say."""

    offers, recipe, token2wav = (), "toy", SimpleNamespace(token_rate=25.0)

    def problem(self, tokens: np.ndarray) -> str:
        return ""

    @contextmanager
    def timed(self, part: str):
        yield

    def measure(self, asked: list[Row]) -> list[Measures]:
        return [Measures("toy", int(Status.OK), transcript=one.text, duration_s=1.0, token_rate=25.0) for one in asked]


def reward(**token_ear) -> Reward:
    own = {"audit": 0.5, "unsure": 0.0, "limit": 10.0, "dtype": "float32"} | token_ear
    terms = {"pinyin": {"weight": 1.0, "tones": True}}
    return Reward(
        {
            "terms": terms,
            "aggregation": {"name": "weighted_sum"},
            "error": {"unit": "pinyin", "tones": True},
            "token_credit": None,
            "logged": [],
            "token_ear": own,
        }
    )


def test_a_batch_is_read_by_one_ear_and_the_next_by_the_newest(ear, make):
    learned = make()
    shortcut = Shortcut(Recorded(), ear, reward(), Gate(reward(), learned), seed=0)
    used, transcribe, lock = [], TokenEar.transcribe, threading.Lock()

    def reading(self, tokens):
        with lock:
            used.append(self)
        read = transcribe(self, tokens)
        hear(learned, [one for one in rows(640, seed=1) if not learned.was_taught(one)])  # while the batch is read
        return read

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TokenEar, "transcribe", reading)
        first = shortcut.measure(rows(20, seed=5))
    assert used == [ear] and shortcut.ear is ear  # by whom all its rows were read
    second = shortcut.measure(rows(20, seed=5))
    assert shortcut.ear is learned.newest(ear) is not ear
    for measures, errs in ((first, True), (second, False)):
        read = [one for one in measures if one.scores["token_ear"]["read"]]
        said = {row_.text: one.transcript for row_, one in zip(rows(20, seed=5), measures, strict=True) if one in read}
        assert any(text != heard for text, heard in said.items() if "四" in text) == errs
    assert second[0].scores["token_ear"]["updates"] == learned.updates > 0


def test_rows_that_are_heard_teach_and_a_copy_of_one_is_no_evidence(ear, make):
    learned = make()
    shortcut = Shortcut(Recorded(), ear, reward(), Gate(reward(), learned), seed=0)
    some = [one for one in {one.text: one for one in rows(40, seed=5)}.values()]
    heard = [not one.scores["token_ear"]["read"] for one in shortcut.measure(some)]
    assert 0 < sum(heard) < len(some)
    assert [learned.was_taught(one) for one in some] == heard
    assert shortcut.gate.audit.bounds.audits == sum(heard)
    shortcut.measure(some)
    assert shortcut.gate.audit.bounds.audits == sum(heard)
    unsure = reward(unsure=1.0)
    teaching = Shortcut(Recorded(), ear, unsure, Gate(unsure, make()), seed=0)
    teaching.measure(some)
    assert all(teaching.gate.distillation.was_taught(one) for one in some)
    assert teaching.gate.audit.bounds.audits == 0


def test_without_it_nothing_is_learned_or_told(ear):
    shortcut = Shortcut(Recorded(), ear, reward(), Gate(reward()), seed=0)
    told = shortcut.measure(rows(20, seed=5))[0].scores["token_ear"]
    assert set(told) == {"read", "unsure", "audited", "closed", "bias_low", "bias_high", "group"}
    assert shortcut.ear is ear
    scoring = Gate(reward(distil={"every": 64, "steps": 10, "rate": 0.003}))  # stage score learns nothing
    assert scoring.told() | {"updates": 0.0, "loss": 0.0} == scoring.told()


def test_the_thread_learns_as_soon_as_there_are_rows_for_it(ear, make):
    learned, taken = make().start(), threading.Event()
    learn = learned.learn
    learned.learn = lambda: learn() and taken.set()
    for one in rows(2000, seed=1):
        learned.add(one, one.text)
        if taken.wait(0.001):
            break
    assert taken.wait(60)
    assert learned.newest(ear) is not ear


def test_a_round_and_a_new_beginning_that_fail_do_not_end_the_learning(make, monkeypatch, caplog):
    """Without memory for a copy of the network the thread was dead, and nobody was told."""
    learned, saved = make(every=8).start(), threading.Event()

    def fails_once(call: Callable) -> Callable:
        errors = [torch.OutOfMemoryError("no memory")]

        def called(*args: object) -> object:
            if errors:
                raise errors.pop()
            return call(*args)

        return called

    for name in ("_update", "_begin_from"):
        monkeypatch.setattr(learned, name, fails_once(getattr(learned, name)))
    monkeypatch.setattr(learned, "_save", saved.set)
    for one in rows(2000, seed=1):
        learned.add(one, one.text)
        if saved.wait(0.001):
            break
    assert saved.wait(60)
    assert [record.getMessage()[:51] for record in caplog.records if record.exc_info] == [
        "a round of the token ear's learning failed, its ear"
    ] * 2


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"every": 256, "steps": 8, "rate": 0.0}, r"token_ear\.distil\.rate: .*greater than 0"),
        ({"every": 256, "steps": 8}, r"token_ear\.distil: lacks rate"),
        ({"every": 9, "steps": 8, "rate": 1e-4, "speed": 1}, r"distil\.speed: no such key; .*'every'"),
    ],
)
def test_wrong_settings_are_named(own, reason):
    with pytest.raises(RewardConfigError, match=reason):
        reward(distil=own)
