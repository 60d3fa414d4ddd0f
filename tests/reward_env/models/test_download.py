"""Stage `models`: the real clients of Hugging Face and ModelScope, against a hub on this machine."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from models.download import DownloadError, check, download
from stages.config import compose_stage
from tests.helpers.forked import command
from tests.helpers.local_hub import COMMIT, FILES, REPO, Hub, running

CLIENTS = ("huggingface", "modelscope")
IMPORTED = ("huggingface_hub.hf_api", "huggingface_hub._snapshot_download", "modelscope_hub.api")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The hub on this machine, named in the environment, which the clients read when they are imported."""
    home = tmp_path_factory.mktemp("home")
    with running() as server, pytest.MonkeyPatch.context() as patch:
        url = f"http://127.0.0.1:{server.server_port}"
        patch.delenv("HF_HUB_OFFLINE", raising=False)
        for name, value in {"ENDPOINT": url, "HUB_DISABLE_XET": "1", "HOME": f"{home}/huggingface"}.items():
            patch.setenv(f"HF_{name}", value)
        for name, value in {"ENDPOINT": url, "HOME": f"{home}/modelscope", "CACHE": f"{home}/modelscope"}.items():
            patch.setenv(f"MODELSCOPE_{name}", value)
        yield server


@pytest.fixture
def hub(address: Hub) -> Hub:
    """The same, as it was at its start."""
    address.forget()
    return address


def stage(tmp_path: Path, hub: str = "huggingface", **changes) -> tuple[int, str]:
    """Exit status and output of the stage's command; llm.pt and config.json go to tmp_path/model."""
    entry = {"repo": dict.fromkeys(CLIENTS, REPO), "files": ["llm.pt", "*.json"], "to": f"{tmp_path}/model"} | changes
    models = {"hub": hub, "lock": f"{tmp_path}/models.lock.json", "get": {"lm": entry}}
    OmegaConf.save({"models": models, "hydra": {"run": {"dir": "."}}}, tmp_path / "models.yaml")
    argv = ["--config-path", str(tmp_path), "--config-name", "models", "hydra.output_subdir=null"]
    output = tmp_path / "output.txt"
    output.unlink(missing_ok=True)
    return command("models.download", [*argv, "hydra/job_logging=disabled"], output, [*IMPORTED, "models.download"])


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.mark.parametrize("client", CLIENTS)
def test_the_files_asked_for_are_fetched_whole_and_no_other(tmp_path, hub, client):
    status, out = stage(tmp_path, client)
    assert status == 0, out
    assert files(tmp_path / "model") == {name: FILES[name] for name in ("llm.pt", "config.json")}
    assert "[models] lm: 2 files, whole" in out
    assert hub.revisions == {"main" if client == "huggingface" else "master"}


def test_what_was_fetched_is_noted_and_fetched_again_when_the_hub_has_gone_on(tmp_path, hub):
    lock = tmp_path / "models.lock.json"
    assert stage(tmp_path)[0] == 0
    note = {"hub": "huggingface", "repo": REPO, "revision": COMMIT, "sha256": {"llm.pt": hub.sum_of("llm.pt")}}
    assert json.loads(lock.read_text()) == {"lm": note}
    hub.revisions.clear()
    hub.newest = "d" * 40
    (tmp_path / "model").rename(tmp_path / "elsewhere")
    status, out = stage(tmp_path)
    assert status == 0 and hub.revisions == {COMMIT} and f"{REPO} at {COMMIT} ->" in out
    assert files(tmp_path / "model") == files(tmp_path / "elsewhere")
    hub.revisions.clear()
    lock.unlink()
    stage(tmp_path)
    assert "main" in hub.revisions


def test_a_hub_that_tells_no_commit_must_still_have_the_same_bytes(tmp_path, hub):
    assert stage(tmp_path, "modelscope")[0] == 0
    (tmp_path / "model" / "llm.pt").unlink()
    hub.lie = True
    status, out = stage(tmp_path, "modelscope")
    assert status != 0 and "config.json, llm.pt changed there since models.lock was written" in out
    assert not (tmp_path / "model" / "llm.pt").exists()


def test_a_revision_that_the_recipe_names_is_what_the_hub_is_asked_for(tmp_path, hub):
    pinned = {"huggingface": COMMIT, "modelscope": "v1.0"}
    status, out = stage(tmp_path, revision=pinned)
    assert status == 0 and hub.revisions == {COMMIT}
    hub.revisions.clear()
    status, out = stage(tmp_path, "modelscope", revision=pinned)
    assert status == 0 and hub.revisions == {"v1.0"} and f"{REPO} at v1.0 ->" in out


# Hugging Face's client writes 10 MiB at a time, ModelScope's what it has.
@pytest.mark.parametrize(("client", "kept"), [("huggingface", 10 * 1024 * 1024), ("modelscope", 10_900_000)])
def test_a_download_that_broke_off_goes_on_where_it_was(tmp_path, hub, client, kept):
    hub.cut = 10_900_000
    status, out = stage(tmp_path, client)
    assert status == 0, out
    assert [asked for asked in hub.ranges if asked] == [f"bytes={kept}-"]
    assert files(tmp_path / "model")["llm.pt"] == FILES["llm.pt"]


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ("huggingface", "llm.pt is not what the hub has (its sha256 differs)"),
        ("modelscope", "modelscope did not give someone/model (FileDownloadError"),  # its client compares by itself
    ],
)
def test_bytes_that_are_not_the_hubs_are_refused(tmp_path, hub, client, message):
    hub.lie = True
    status, out = stage(tmp_path, client)
    assert status != 0
    assert message in out
    assert "Traceback" not in out


@pytest.mark.parametrize(("client", "fetched_again"), [("huggingface", False), ("modelscope", True)])
def test_a_file_that_was_changed_here_is_fetched_again_or_refused(tmp_path, hub, client, fetched_again):
    """Hugging Face's client takes a file that is there for its own, ModelScope's looks at its sum.

    The file's time stays: Hugging Face's fetches one again that was written more than a second after its download."""
    assert stage(tmp_path, client)[0] == 0
    model = tmp_path / "model" / "llm.pt"
    then = model.stat()
    model.write_bytes(bytes(len(FILES["llm.pt"])))
    os.utime(model, ns=(then.st_atime_ns, then.st_mtime_ns))
    status, out = stage(tmp_path, client)
    assert (status == 0) == fetched_again, out
    assert (files(tmp_path / "model")["llm.pt"] == FILES["llm.pt"]) == fetched_again
    assert ("llm.pt is not what the hub has" in out) == (not fetched_again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": ["llm.pt", "flow.pt"]}, "lacks flow.pt"),
        ({"repo": {"huggingface": "someone/other"}}, "huggingface did not give someone/other"),
        ({"hub": "modelscope", "repo": {"modelscope": "someone/other"}}, "modelscope did not give someone/other"),
        ({"repo": {"modelscope": "x/y"}}, "models.get.lm.repo.huggingface is not named"),
        ({"hub": "github"}, "known are huggingface, modelscope, none"),
        ({"hub": "none"}, "lacks llm.pt, *.json"),
    ],
)
def test_what_cannot_be_had_is_named_with_what_to_do(tmp_path, hub, arguments, message):
    status, out = stage(tmp_path, **arguments)
    assert status != 0
    assert message in out
    assert "Traceback" not in out


def test_files_brought_by_hand_are_checked_without_a_hub(tmp_path, hub):
    (tmp_path / "model").mkdir()
    for name, content in FILES.items():
        (tmp_path / "model" / name).write_bytes(content)
    assert stage(tmp_path, hub="none")[0] == 0
    (tmp_path / "model" / "llm.pt").write_bytes(b"")
    status, out = stage(tmp_path, hub="none")
    assert status != 0
    assert "llm.pt is empty" in out
    assert (hub.ranges, hub.revisions) == ([], set())


def test_weights_of_ones_own_are_no_file_of_the_release(tmp_path, capsys):
    """cosyvoice3 lists ${convert.weights}, and said that the release lacks /abs/epoch_5_whole.pt."""
    given = (f"recipe.pretrained_dir={tmp_path}", "models.hub=none", f"convert.weights={tmp_path}/epoch_5_whole.pt")
    cfg = compose_stage("cosyvoice3", "models", given)
    cfg.models.get = {"cosyvoice3": cfg.models["get"].cosyvoice3}
    for name in cfg.models["get"].cosyvoice3.files[2:]:
        (Path(cfg.recipe.release_dir) / name).parent.mkdir(parents=True, exist_ok=True)
        (Path(cfg.recipe.release_dir) / name).write_text("x")
    with pytest.raises(DownloadError, match=r"lacks cosyvoice3\.yaml$"):
        download(cfg)
    (Path(cfg.recipe.release_dir) / "cosyvoice3.yaml").write_text("x")
    download(cfg)
    assert "[models] cosyvoice3: 11 files, whole" in capsys.readouterr().out


@pytest.mark.parametrize("recipe", ["cosyvoice2", "cosyvoice3", "glm_tts", "inworld_tts"])
def test_of_wavlm_that_is_asked_for_which_its_repository_has(recipe, tmp_path):
    """microsoft/wavlm-base-plus-sv at feb593a has no safetensors."""
    (entry,) = [e for e in compose_stage(recipe, "models").models["get"].values() if "wavlm" in e.repo.huggingface]
    for name in (".gitattributes", "README.md", "config.json", "preprocessor_config.json", "pytorch_model.bin"):
        (tmp_path / name).write_text("x")
    assert check("wavlm", tmp_path, list(entry.files), {}) == 3
