"""host:port of a server, also where the host is an IPv6 address; and whether its ports are free."""

import errno
import socket
from collections.abc import Mapping


def address(host: str, port: int | str) -> str:
    """As URLs and gRPC want it.

    >>> address("node", 8001), address("::1", 8001)
    ('node:8001', '[::1]:8001')
    """
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def as_address(written: str) -> str:
    """The same of a host and a port with a colon between, as YAML puts them together.

    >>> as_address("::1:8001"), as_address("[::1]:8001"), as_address("node:8001")
    ('[::1]:8001', '[::1]:8001', 'node:8001')
    """
    host, _, port = written.rpartition(":")
    return address(host, port)


def taken(host: str, ports: Mapping[str, int]) -> str | None:
    """The first name of these ports whose port cannot be listened on because somebody does already.

    Raises:
        OSError: for another reason, such as a host that is not this machine.
    """
    for name, port in ports.items():
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                return name
    return None
