"""The layer in front of the application: limits for connections, headers, bodies and threads.

`protocol` is uvicorn's HTTP protocol with bounds. `bodies` reads a body before Django has to wait for it.
`pool` runs Django in a fixed number of threads. docs/adr/0023 has the reasons and figures.
"""
