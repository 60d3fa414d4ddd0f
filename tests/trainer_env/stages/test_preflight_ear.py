"""An evaluation whose ASR does not know the texts' language is refused before anything is trained or spoken."""

import json
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.config import recipes
from stages.preflight import check_left, check_planned, check_training
from stages.run import plan


@pytest.mark.parametrize(
    ("recipe", "overrides", "at_fault"),
    [
        (
            "llasa",
            ["recipe.language=de"],
            r"command line: recipe\.language=de: recipe\.language is de, which the evaluation's ASR \(SenseVoiceASR\) "
            r"does not know: it has zh, yue, en, ja, ko; another `ear`",
        ),
        ("llasa", ["recipe.language=de", "ear=mms"], None),
        ("llasa", ["recipe.language=hi", "ear=mms"], r"\(MMSASR\) does not know: it has en, es, fr, .*, nl, pl;"),
        ("cosyvoice3", ["recipe.language=ja"], r"is ja, .*\(ParaformerASR\) does not know: it has zh;"),
        ("cosyvoice3", ["recipe.language=ja", "ear=whisper_large_v3"], None),
        *((recipe, [], None) for recipe in recipes()),
    ],
)
def test_a_language_that_the_ear_does_not_know_is_refused(recipe, overrides, at_fault):
    """At 504d2c94 all of them were trained and spoken first."""
    for name in ("baseline", "eval"):
        _, (stage,) = plan(recipe, name, name, overrides)
        with pytest.raises(SystemExit, match=at_fault) if at_fault else nullcontext():
            check_training(stage)


def written(folder: Path, *languages: str | None) -> tuple[str, str]:
    """The same texts as JSONL and as stage data prepares them; None: the row names no language."""
    rows = [{"text": "一"} | ({"language": language} if language else {}) for language in languages]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    prepared = [{"text": "一", "language": language or "zh"} for language in languages]
    pq.write_table(pa.table({"prompt": ["x"] * len(rows), "extra_info": prepared}), folder / "texts.parquet")
    return f"texts={folder}/texts.jsonl", f"texts={folder}/texts.parquet"


def test_the_rows_count_once_they_are_there(tmp_path):
    for texts in written(tmp_path, "zh", None, "ja", "en"):
        _, (stage,) = plan("cosyvoice3", "eval", "eval", [texts])
        with pytest.raises(SystemExit, match=r"command line: texts=.*: texts has rows in en, ja, which .*: it has zh"):
            check_training(stage)
        with pytest.raises(SystemExit, match="texts has rows in en, ja"):
            check_left([stage], [stage], lambda stage: True)  # behind stage data, of the stages that are left
        check_left([stage], [stage], lambda stage: False)  # it is done already
        for taken in ("limit=2", "ear=whisper_large_v3"):
            check_training(plan("cosyvoice3", "eval", "eval", [texts, taken])[1][0])
    for texts in written(tmp_path, "en"):  # whatever rows are in that name none
        check_training(plan("llasa", "eval", "eval", [texts, "recipe.language=de"])[1][0])


def test_a_dry_run_says_which_of_the_recipes_languages_the_ear_lacks(tmp_path, capsys):
    told = {}
    for recipe in recipes():
        _, stages = plan(recipe, "eval", "eval", [f"texts={tmp_path}/none.parquet"])
        check_planned(stages, lambda stage: True, here=False)
        told[recipe] = capsys.readouterr().out
    only = "# eval: the evaluation's ASR knows {} and no other language: texts in another one are refused\n"
    chinese = dict.fromkeys(("cosyvoice2", "cosyvoice3", "glm_tts"), only.format("zh"))
    expected = {"llasa": only.format("zh, yue, en, ja, ko"), "inworld_tts": "", "tiny_mandarin": ""} | chinese
    assert told == expected
    _, stages = plan("cosyvoice3", "eval", "eval", [written(tmp_path, "zh")[0]])
    check_planned(stages, lambda stage: True, here=False)
    assert capsys.readouterr().out == ""
