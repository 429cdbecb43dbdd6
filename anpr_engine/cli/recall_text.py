"""A recall in words, for a person at a terminal."""

from anpr_engine.records.recall import Recall

WORDS = {
    "withdrawn": "its entry was withdrawn",
    "corrected": "its entry was wrong and has been corrected",
    "not-as-alerted": "its entry is not on the list any more as it was alerted",
}


def recall_block(recall: Recall, proof: str = "") -> str:
    """Write a recall as lines; `proof` says what its signature is worth, where it was checked."""
    since, version = f"{recall.effective_at:%Y-%m-%d %H:%M:%S}", recall.watchlist_version
    lines = [
        f"RECALLED  {WORDS[recall.reason]}; do NOT act on these alerts",
        f"  list          {recall.list_id} of site {recall.provider}, entry {recall.entry_id}",
        f"  since         {since} UTC, version {version}",
        f"  told          {', '.join(recall.recipients)}",
        *([f"  signed        {proof}"] if proof else []),
        *(f"  alert         {alert_id}" for alert_id in recall.alerts),
    ]
    return "\n".join(lines) + "\n"
