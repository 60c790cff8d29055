"""What the system is compared with. Each is a program of its own, as its framework's guide would have it."""
