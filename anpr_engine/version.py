"""The version of this engine, and nothing else: imported by every command."""

VERSION = "0.1.0"
