"""The short form of benchmarks/soak.py: nothing is lost, zeroed, another row's, or left behind."""

from benchmarks.soak import soak


def test_rows_asked_while_the_server_is_harmed_are_all_answered_and_their_own(built_recipe, tmp_path):
    work_dir = str(built_recipe.relative_to(built_recipe.parents[1]))
    harms = dict(pause_s=5.0, mixed=0.05, seed=0, busy_s=1.5)
    told = soak(work_dir, count=400, tokens=8, folder=tmp_path, kinds=60, peace=2, **harms)
    assert {key: told[key] for key in ("lost", "zeroed", "another row's", "left behind")} == {
        "lost": 0,
        "zeroed": 0,
        "another row's": 0,
        "left behind": [],
    }
    assert told["heard otherwise"] <= 20  # of 400: a tie is broken otherwise in another batch
    assert sum(told["harms"].values()) > 0 and told["refused"] > 20 and told["mixed up before the client"] > 5
