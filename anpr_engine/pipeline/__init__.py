"""The verbs: ingest, decode, normalise, match, decide, publish; `run` drives them."""
