"""Run the stages of one recipe in order: run.sh calls this once the environments are there."""

import argparse
import os
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from reward_tts.addresses import address
from speech.files import write_jsonl
from stages import asked_server, disk, logs, preflight, processes, server
from stages.beside import Beside
from stages.config import ROOT
from stages.console import Console, duration, options_of, show_result
from stages.lanes import Lane, Together, at_once, groups
from stages.marks import Marks
from stages.plan import dry_run, plan
from stages.remembered import remember
from stages.table import Stage, work_dir

_SERVES = {"VERL_TTS_SERVES": "1"}  # in the environment of the server's process, and so of all that it starts


def say(text: str) -> None:
    print(f"run.sh: {text}", flush=True)


class Run:
    """One invocation: the stages in order, the reward server around those that need it, a summary."""

    def __init__(self, cfg: DictConfig, stages: list[Stage], force: bool, verbose: bool = False) -> None:
        self.cfg, self.stages, self.force, self.verbose = cfg, stages, force, verbose
        self.restarts = 0
        self.serve = next((s for s in stages if s.name == "serve"), None)
        self.marks = Marks(cfg, self.serve)
        self.as_it_begins = partial(self.marks.as_it_begins, force=force)
        self.logs = work_dir(cfg) / "logs"
        self.server: subprocess.Popen[bytes] | None = None
        self.hearing: Beside | None = None
        self.going: Together | None = None
        self.summary: list[tuple[str, str]] = []

    def all(self) -> None:
        """Run every stage that is not done. Whatever happens, no process of ours is left."""
        try:
            after = list(self.stages)
            for group in groups(self.stages):
                after = after[sum(map(len, group)) :]
                for lanes in at_once(group, self.is_due):
                    self.run(lanes, after)
        finally:
            processes.ignore_signals()
            self.end_processes()
            self.print_summary()

    def run(self, lanes: list[Lane], after: list[Stage]) -> None:
        """Lanes beside each other; `after`: the stages that come when all of them are done."""
        names = [", then ".join(stage.name for stage in lane) for lane in lanes]
        if len(lanes) > 1:
            say(f"at once, each with {lanes[0][0].threads} of the cores: {'; '.join(names)}")
        self.going = Together({name: self.lane(lane, after) for name, lane in zip(names, lanes, strict=True)})
        self.going.run(lambda name: say(f"{name}: stopped"))
        self.going = None

    def lane(self, lane: Lane, after: list[Stage]) -> Iterator[int]:
        for i, stage in enumerate(lane):
            yield from self.one(stage, [*lane[i + 1 :], *after])

    def is_due(self, stage: Stage) -> bool:
        """Whether `one` would run it."""
        now = self.marks.parts(stage)
        stale = self.marks.stale(stage, now) is not None and not self.marks.is_kept(stage, now)
        return bool(stage.spec.commands) and (self.force or stage.spec.get("always", False) or stale)

    def one(self, stage: Stage, later: list[Stage]) -> Iterator[int]:
        """Runs a stage if it is not done; gives the pid of what runs, again and again."""
        if stage.name == "serve" and any(s.spec.get("server") for s in later):
            return  # started by the first stage that needs it, so not at all if that one is done
        if not stage.spec.commands:
            say(stage.spec.get("says", f"{stage.name}: nothing to do in this recipe"))
            return
        stage.check_needs(made_before=set())
        now = self.marks.parts(stage)
        reason = self.marks.stale(stage, now)
        if reason is None and not self.force and not stage.spec.get("always"):
            made = ", ".join(stage.spec.makes)
            say(f"{stage.name}: done already ({made}); --force repeats it")
            self.summary.append((stage.name, "done already"))
            return
        if not self.force and self.marks.is_kept(stage, now):
            say(f"{stage.name}: {reason}. What it made stays as it is; --force makes it again")
            self.summary.append((stage.name, "kept, though not all is as it was (above)"))
            return
        again = f" ({reason})" if reason and self.marks.read(stage) else ""
        say(f"{stage.name}{again}: {stage.spec.does}; {stage.spec.eta}" + self.then(later))
        started = time.monotonic()
        left = [s for s in self.stages if s.name not in dict(self.summary)]
        preflight.check_training(self.as_it_begins(stage), self.stages, here=True, write=write_jsonl)
        preflight.check_left(later, left, self.is_due, self.as_it_begins)
        if stage.spec.get("server"):
            self.expect_server(stage)  # whoever is refused finds the checkpoints where they were
        for line in self.marks.clear_way(stage, now, self.force):  # before the server, which may learn from a run
            say(line)
        if stage.spec.get("server") and self.serve:
            with self.marks.or_back():
                self.start_server(self.serve)
                asked_server.check_server(stage.recipe, stage.configs()[0], stage.overrides, True, self.serve.overrides)
        if stage.spec.get("server") and (changed := asked_server.changed_since(stage.configs()[0])):
            say(changed)
        self.marks.write(stage, "begun", now)
        yield from self.commands(stage)
        if not stage.spec.get("always"):
            self.marks.write(stage, "done", now | self.marks.reads(stage))
        if stage.name == "data":
            remember(self.cfg, stage.overrides)
        took = duration(time.monotonic() - started)
        self.summary.append((stage.name, took))
        say(f"{stage.name}: finished in {took}")
        if self.server and not any(s.spec.get("server") for s in later):
            self.end_processes()

    @staticmethod
    def then(later: list[Stage]) -> str:
        return f"; then {later[0].name} ({later[0].spec.eta})" if later else ""

    def commands(self, stage: Stage) -> Iterator[int]:
        """Run a stage's commands one after another. Raises SystemExit with the status of the first that fails."""
        if stage.name == "serve":
            server.check_ports(stage.configs()[0])
        log = self.log(self.cfg.recipe.server.name if stage.name == "serve" else stage.name, self.marks.goes_on(stage))
        self.start_beside(stage)
        with open(log, "ab") as file:
            begun = file.tell()  # what is before is of runs before
            for line, argv in zip(stage.shell_lines(), stage.commands(), strict=True):
                say(line)
                console = Console(self.console_of(stage), stage.configs()[0], beside_others=stage.threads is not None)
                where = (stage.environment(), file, ROOT, self.cfg.stop_grace_s)
                status = yield from processes.run_logged(argv, *where, console.write, self.watch)
                console.close()
                if self.hearing:
                    self.hearing.stop(OmegaConf.select(stage.configs()[0], stage.spec.beside.ends_in_s))
                    self.hearing = None
                processes.end_descendants(self.cfg.stop_grace_s, self.others())
                if status != 0:
                    if self.console_of(stage):
                        self.show_log(log, begun)
                    self.explain_server()
                    self.explain_disk(stage, log, begun)
                    self.summary.append((stage.name, f"FAILED (exit status {status})"))
                    raise SystemExit(f"run.sh: stage {stage.name} failed with exit status {status}; log: {log}")

    def others(self) -> list[int]:
        """Pids of what goes on when a command has ended: the server, and what runs beside it."""
        return [*([self.server.pid] if self.server else []), *(self.going.pids() if self.going else [])]

    def start_beside(self, stage: Stage) -> None:
        """Start what runs while the stage does, where it has such a command and wants it."""
        if argv := stage.beside():
            log = self.log(stage.spec.beside.config)
            self.hearing = Beside(argv, stage.environment(), log, self.cfg.beside_restarts)

    def console_of(self, stage: Stage) -> DictConfig | None:
        """How a stage's output is shown; None: all of it."""
        return None if self.verbose else options_of(stage.spec.get("console"), self.cfg.get("console"))

    def log(self, name: str, goes_on: bool = False) -> Path:
        log = self.logs / f"{name}.log"
        logs.begin(log, goes_on, self.cfg.logs_kept)
        say(f"{name}: log in {os.path.relpath(log, ROOT)}")
        return log

    def expect_server(self, stage: Stage) -> None:
        """SystemExit unless a reward server is there that a stage can use or, where it is one of this run's stages, can
        be started. Changes nothing."""
        if self.serve:
            self.serve.check_needs(made_before=set())
            server.check_ports(self.serve.configs()[0])
            return
        say(f"using the reward server on {server.expect(self.cfg)}")
        asked_server.check_server(stage.recipe, stage.configs()[0], list(stage.overrides))

    def start_server(self, stage: Stage) -> None:
        """Start the reward server in the background and wait until it is ready."""
        cfg = stage.configs()[0]
        log = self.log(self.cfg.recipe.server.name)
        say(stage.shell_lines()[0] + " &")
        with open(log, "wb") as file:
            self.server = processes.start(stage.commands()[0], stage.environment() | _SERVES, file, ROOT)
        try:
            server.wait_ready(cfg, self.server, self.cfg.server_ready_timeout_s)
        except RuntimeError as error:
            self.show_log(log)
            raise SystemExit(f"run.sh: {error}; log: {log}") from None
        say(f"serve: ready on {address(cfg.recipe.server.host, cfg.recipe.server.grpc_port)} (gRPC)")

    def watch(self) -> None:
        """Start again what has died while a stage goes on."""
        self.watch_server()
        if self.hearing and (said := self.hearing.watch()):
            say(f"{said}; log: {os.path.relpath(self.hearing.log, ROOT)}")

    def watch_server(self) -> None:
        """Start the server of this run again if it has ended altogether, while the training goes on: its client waits
        (recipe.server.give_up_s). Not if somebody asked it to end, nor more often than `server_restarts`."""
        if self.server is None or self.server.poll() in (None, 0) or self.restarts > self.cfg.server_restarts:
            return
        self.explain_server()
        self.restarts += 1
        if self.restarts > self.cfg.server_restarts:
            say(f"it is not started again: it has ended {self.restarts} times (server_restarts)")
            return
        # What it left has its ports. Ray's workers may be orphans, too, adopted by this process: they go on.
        processes.end_descendants(self.cfg.stop_grace_s, spare=processes.children_without(*_SERVES))
        with open(self.logs / f"{self.cfg.recipe.server.name}.log", "ab") as file:
            stage = self.serve
            self.server = processes.start(stage.commands()[0], stage.environment() | _SERVES, file, ROOT)
        say(f"the reward server is started again ({self.restarts} of {self.cfg.server_restarts} times at most)")

    def explain_server(self) -> None:
        """Show the end of the server's log if it has died: then the stage failed because of it."""
        if self.server and self.server.poll() is not None:
            say(f"the reward server has ended (exit status {self.server.returncode})")
            self.show_log(self.logs / f"{self.cfg.recipe.server.name}.log")

    def explain_disk(self, stage: Stage, log: Path, begun: int) -> None:
        """Say so if there is hardly any room left: then the stage most likely failed for want of it."""
        said, saved = server.tail(log, self.cfg.log_tail_lines, begun), stage.spec.get("checkpoints")
        if why := disk.why_failed(work_dir(self.cfg), said, self.cfg.disk_low_mib, ROOT / saved if saved else None):
            say(why)

    def show_log(self, log: Path, begun: int = 0) -> None:
        say(f"the end of {os.path.relpath(log, ROOT)}:")
        print(server.tail(log, self.cfg.log_tail_lines, begun), flush=True)

    def end_processes(self) -> None:
        """Stages' leftovers first, then the server by its own clean way, then whatever that left."""
        grace = self.cfg.stop_grace_s
        if self.server:
            processes.end_descendants(grace, spare=[self.server.pid])
            processes.stop(self.server, grace)
            self.server = None
        processes.end_descendants(grace)

    def print_summary(self) -> None:
        """How long each stage took; last, what is to be seen of them: a table, the path of a wave."""
        width = max([8, *(len(name) for name, _ in self.summary)])
        for name, result in self.summary:
            print(f"  {name:{width}} {result}")
        for stage in self.stages:
            table = stage.shows()
            failed = dict(self.summary).get(stage.name, "FAILED").startswith("FAILED")  # it is of before
            if table and table.exists() and not failed:
                show_result(table, stage.spec.get("hint"))


def main() -> None:
    """Entry point of `python -m stages.run`; run.sh has checked recipe and stages already."""
    parser = argparse.ArgumentParser(prog="stages.run")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("first")
    parser.add_argument("last")
    parser.add_argument("overrides", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    try:
        cfg, stages = plan(args.recipe, args.first, args.last, args.overrides)
        planned = Run(cfg, stages, args.force)
        preflight.check_planned(stages, planned.is_due, planned.as_it_begins, here=not args.dry_run)
    except HydraException as error:
        raise SystemExit(f"run.sh: {error}") from None
    if args.dry_run:
        dry_run(stages)
        return
    processes.adopt_orphans()
    processes.leave_on_signals()
    for number, stage in enumerate(stages):
        stage.check_needs(made_before={one.name for one in stages[:number]})
    # What runs in the foreground until it is stopped must not keep a second terminal from the other stages.
    foreground = [s for s in stages[-1:] if s.spec.get("lock")]
    own_lock = foreground[0].spec.lock if foreground else ""
    for part, lock in ((stages[: len(stages) - len(foreground)], processes.RUN_LOCK), (foreground, own_lock)):
        if part:
            try:
                with processes.locked(work_dir(cfg), lock):
                    Run(cfg, part, args.force, args.verbose).all()
            except OSError as error:
                if (full := disk.told(error)) is None:
                    raise
                raise SystemExit(f"run.sh: {full}") from None


if __name__ == "__main__":
    main()
