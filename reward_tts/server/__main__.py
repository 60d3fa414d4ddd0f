"""The reward server: speech tokens and the text asked for -> transcript, measures, reward (Triton model token2wav_asr).

    python -m reward_tts.server --config-path <absolute recipes/NAME> --config-name server

It listens on recipe.server.host only (this machine alone, unless the recipe says otherwise) and prints READY with its
ports. SIGTERM and SIGINT end it after what was begun. How it is built: docs/reward_server.md.
"""

import gc
import json
import os
import time
from typing import Any

from speech.faults import told_plainly

# Threads that wait for work must soon sleep: the trainer has the same cores. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import hydra
import torch
from omegaconf import DictConfig, OmegaConf

from reward_tts.addresses import address
from reward_tts.loaded import loaded, settings
from reward_tts.measures import CONTRACT, LOOPBACK, secret_of
from reward_tts.reward.reward import Reward, audited_by
from reward_tts.server.instance import make_instances, needed
from reward_tts.server.leftovers import check_room, remove_leftovers
from reward_tts.server.metrics import PipelineMetrics
from reward_tts.server.pytriton_adapter import RunningTriton, longest_socket
from reward_tts.server.supervisor import Deaths, check_ports, serve


def _front(
    cfg: DictConfig, ports: dict[str, int], secret: str | None, offers: list[str], files: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """Settings of reward_tts/server/front/__main__.py."""
    reward = OmegaConf.to_container(cfg.recipe.reward, resolve=True)
    digest, measured = audited_by(reward), settings(cfg, needed(cfg.scorers, Reward(reward)))
    audited = {"audited": digest} if digest else {}  # Triton's JSON leaves out a value that is empty
    tells = {"recipe": cfg.recipe.name, "contract": str(CONTRACT), "measures": ",".join(offers)} | audited
    hashes = {key: list(found.values()) for key, found in files.items()}  # everybody may ask: no names of files
    return {
        "model": cfg.server.model,
        "tells": tells | {"loaded": json.dumps(hashes), "settings": json.dumps(measured)},
        "secret": secret,
        "host": cfg.recipe.server.host,
        "ports": ports,
        "max_batch_size": cfg.server.max_batch_size,
        "drain_s": cfg.server.drain_s,
        "front": OmegaConf.to_container(cfg.server.front, resolve=True),
    }


@hydra.main(version_base=None, config_path=None)
@told_plainly()
def main(cfg: DictConfig) -> None:
    """Loads the models and serves."""
    where = cfg.recipe.server
    ports = {key: where[key] for key in ("http_port", "grpc_port", "metrics_port")}
    secret, deaths = secret_of("recipe.server.secret_env", where.secret_env), Deaths(**cfg.server.restarts)
    check_room(longest_socket(cfg.server.model, cfg.server.instances * len(cfg.server.devices)))
    remove_leftovers()
    check_ports(where.host, ports)
    torch.set_num_threads(cfg.server.torch_threads)
    begin = time.monotonic()
    reward = Reward(OmegaConf.to_container(cfg.recipe.reward, resolve=True))
    files = loaded(cfg, scorers=needed(cfg.scorers, reward))  # before they are read: a change meanwhile is seen
    instances = make_instances(cfg)
    who = "this machine alone" if where.host in LOOPBACK else "whoever reaches it"
    who += " and knows the secret" if where.secret_env else ""
    print(f"listening on {where.host}: {who} may use it", flush=True)
    places = " ".join(f"{key.removesuffix('_port')} {address(where.host, port)}" for key, port in ports.items())
    gc.collect()
    gc.freeze()  # PyTriton collects garbage at each end of a Triton: not through all of torch
    print(f"models loaded in {time.monotonic() - begin:.1f} s, starting Triton", flush=True)
    serve(
        lambda folder: RunningTriton(
            folder,
            [instance.answer for instance in instances],
            instances[0].speak,
            model=cfg.server.model,
            max_batch_size=cfg.server.max_batch_size,
            queue_delay_ms=cfg.server.queue_delay_ms,
            drain_s=cfg.server.drain_s,
        ),
        settings=_front(cfg, ports, secret, instances[0].measures.offers, files),
        ready=f"{cfg.server.model} of {cfg.recipe.name}: {places}",
        deaths=deaths,
        metrics=PipelineMetrics(
            [instance.pipeline.counts for instance in instances], cfg.server.max_batch_size, deaths.counts
        ),
        lost=lambda: next((instance.pipeline.lost for instance in instances if instance.pipeline.lost), ""),
    )
    for number, instance in enumerate(instances):
        print(f"instance {number}: {instance.pipeline.counts}", flush=True)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
