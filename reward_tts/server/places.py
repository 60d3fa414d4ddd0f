"""Names in a server's workspace."""

TRITON_SOCKET = "triton"  # a link to where Triton listens now
METRICS_SOCKET = "metrics"  # where the server's process tells of its pipelines
