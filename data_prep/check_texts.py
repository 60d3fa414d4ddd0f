"""The texts of a user's own, looked at before anything long starts: is each row such as stage data takes it?"""

from pathlib import Path

from omegaconf import DictConfig

from data_prep.hub_rows import local
from speech.jsonl import BadRows, Fault, made_of, read_rows


def check_texts(cfg: DictConfig) -> None:
    """Reads text, language and voice of every row; of how long a prompt is only `prepare` can say, by the tokenizer.

    Args:
        cfg: recipes/NAME/data.yaml composed. Files in recipe.data_dir are those that the stage makes itself: they are
            passed over.

    Raises:
        FileNotFoundError: a file that is the user's own is not there.
        BadRows: bad rows, and prepare.on_error=stop.
    """
    inputs = {split.input for split in cfg.prepare.splits.values()}
    own = [path for path in sorted(inputs) if not Path(path).is_relative_to(cfg.recipe.data_dir)]
    if not own:
        return
    from data_prep.prompts import PromptMaker  # not above: it imports transformers, half a minute on a busy machine

    prompts, faults = PromptMaker(cfg.recipe), []
    for path in own:
        rows = read_rows(local(path, cfg.prepare.hub_dir))
        made = made_of(rows, path, lambda _, row: prompts.request(row, cfg.prepare.max_text_length))
        faults += [one for one in made if isinstance(one, Fault)]
    if faults and cfg.prepare.on_error == "stop":
        raise BadRows(faults, cfg.prepare.shown_faults, "nothing was made of them")
