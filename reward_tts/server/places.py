"""Names in a server's workspace."""

TRITON_SOCKET = "triton"  # a link to where Triton listens now
METRICS_SOCKET = "metrics"  # where the server's process tells of its pipelines
STUB_ILL = "stub_ill"  # a file: the front was told that a stub is ill; its Triton is to be ended
