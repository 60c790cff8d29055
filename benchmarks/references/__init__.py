"""What the system is compared with. Each is a program of its own, as its framework's guide would have it."""

# The Redis list of faststream_service. Here, so that programs can name it where FastStream is not installed.
FASTSTREAM_LIST = "faststream-events"
