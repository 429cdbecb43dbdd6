"""The commands of `anpr`, one file a group."""
