"""What a run ends with: how long each stage took, the table, and where to hear what it is about."""

from stages.plan import plan
from stages.run import Run


def test_a_run_ends_with_its_table_and_how_to_hear_both_models(tmp_path, capsys):
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval/results.md").write_text("| a table |\n")
    cfg, stages = plan("tiny_mandarin", "eval", "eval", [f"recipe.work_dir={tmp_path}"])
    run = Run(cfg, stages, force=False)
    run.summary.append(("eval", "2 s"))
    run.print_summary()
    *_, table, space, hint = capsys.readouterr().out.splitlines()
    assert (table, space) == ("| a table |", "")
    assert hint == f"To hear both models: {tmp_path}/eval/report.html, or bash run.sh --recipe tiny_mandarin demo"


def test_what_is_shown_lies_where_this_run_wrote_it(tmp_path, capsys):
    for name in ("speech", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "last.txt").write_text(f"{name}.wav\n")
    given = [f"recipe.work_dir={tmp_path}", f"waves_dir={tmp_path}/elsewhere"]
    cfg, stages = plan("tiny_mandarin", "infer", "infer", given)
    run = Run(cfg, stages, force=False)
    run.summary.append(("infer", "2 s"))
    run.print_summary()
    assert capsys.readouterr().out.splitlines()[-1] == "elsewhere.wav"
