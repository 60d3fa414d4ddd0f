"""A user's own texts are looked at before anything long starts."""

import pytest

from data_prep.check_texts import check_texts
from data_prep.prompts import PromptMaker
from models.tiny_mandarin.tokenizer import build_tokenizer
from speech.jsonl import BadRows
from stages.config import compose_stage


def configuration(tmp_path, *overrides: str):
    return compose_stage("tiny_mandarin", "data", (f"recipe.work_dir={tmp_path}", *overrides))


def test_all_bad_rows_are_named_at_once(tmp_path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"text": ""}\n{"text": "你好"}\n{"txt": "早"}\nnot JSON\n', encoding="utf-8")
    with pytest.raises(BadRows) as error:
        check_texts(configuration(tmp_path, f"recipe.train_texts={own}"))
    first, *rows = str(error.value).splitlines()
    assert first == "3 bad rows; nothing was made of them:"
    assert [row.split(": ")[0].strip() for row in rows] == [f"{own}:{line}" for line in (1, 3, 4)]
    assert "field 'text': is empty" in rows[0]


def test_bad_rows_that_are_to_be_left_out_stop_nothing(tmp_path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"text": ""}\n{"text": "你好"}\n', encoding="utf-8")
    check_texts(configuration(tmp_path, f"recipe.train_texts={own}", "prepare.on_error=skip"))


def test_a_file_of_the_users_own_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl is missing"):
        check_texts(configuration(tmp_path, f"recipe.test_texts={tmp_path}/nowhere.jsonl"))


def test_what_the_stage_makes_itself_need_not_be_there(tmp_path):
    check_texts(configuration(tmp_path))


def test_characters_without_a_token_of_their_own_are_not_known(tmp_path):
    build_tokenizer(["今天很好"], 8, tmp_path / "tokenizer")
    maker = PromptMaker(configuration(tmp_path, f"recipe.tokenizer_dir={tmp_path}/tokenizer").recipe)
    assert maker.unknown("今天 鑫很龘龘", maker.tokenizer) == "鑫龘"
    assert maker.unknown("今天很好", maker.tokenizer) == ""
