"""A server that knows no more than its readiness and its recipe, and on demand dies instead."""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from omegaconf import DictConfig

from toy.settings import composed


class Ready(BaseHTTPRequestHandler):
    """Ready, and of the recipe that the class says."""

    recipe = ""

    def do_GET(self) -> None:
        """The model's configuration, whatever is asked."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"parameters": {"recipe": {"string_value": self.recipe}}}).encode())


def main(cfg: DictConfig) -> None:
    """Serve until ended."""
    if cfg.dies:
        print("no model for this voice")
        sys.exit(7)
    Ready.recipe = cfg.says
    server = ThreadingHTTPServer((cfg.recipe.server.host, cfg.recipe.server.http_port), Ready)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as the real one: asked to end
    if cfg.leaves_s:
        subprocess.Popen(["setsid", "--fork", "sleep", str(cfg.leaves_s)])
    print("serving, pid", os.getpid(), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(composed())
