"""A server that answers the readiness question alone, and on demand dies instead."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hydra
from omegaconf import DictConfig


class Ready(BaseHTTPRequestHandler):
    """200 to everything."""

    def do_GET(self) -> None:
        """Answer without a body."""
        self.send_response(200)
        self.end_headers()


@hydra.main(version_base=None, config_path=None)
def main(cfg: DictConfig) -> None:
    """Serve until ended."""
    if cfg.dies:
        print("no model for this voice")
        sys.exit(7)
    print("serving, pid", os.getpid(), flush=True)
    ThreadingHTTPServer((cfg.recipe.server.host, cfg.recipe.server.http_port), Ready).serve_forever()


if __name__ == "__main__":
    main()
