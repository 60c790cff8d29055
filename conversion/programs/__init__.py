"""What runs inside the sandbox: plain Python with the decoders, without Django and without our other modules.

Each module has `run(work)`. conversion/programs/work.py starts it.
"""
