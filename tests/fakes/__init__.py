"""Fakes of the ports, each held to the contract of the real one."""
