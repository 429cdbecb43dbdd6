"""What a terminal tells of proofs: who signed an alert or recall, what was sealed or forged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import click
import msgspec

from anpr_engine.audit.check_alerts import WORDS, AlertChecker, Proof
from anpr_engine.cli.alert_blocks import Showing, ShownBlocks, Told
from anpr_engine.cli.alert_text import show_alert
from anpr_engine.cli.recall_text import recall_block
from anpr_engine.kafka.tail import TailedRecord
from anpr_engine.records.alert import Alert
from anpr_engine.records.recall import Recall
from anpr_engine.wire import json_bytes


class AlertOpener(Protocol):
    """Opens sealed fields."""

    def open(self, alert: Alert) -> Alert | str:
        """Give the alert with its fields, or say why not."""
        ...


@dataclass(slots=True)
class ProofView:
    """Shows alerts and recalls with what their proof is worth; counts what was forged.

    checker: None checks nothing. opener: None opens nothing. now_s: seconds since 1970.
    """

    checker: AlertChecker | None
    opener: AlertOpener | None
    now_s: Callable[[], float]
    as_json: bool
    forged: int = 0
    _blocks: ShownBlocks = field(default_factory=ShownBlocks, init=False)

    def show(self, alert: Alert, record: TailedRecord) -> bool:
        """Show one alert; of a forged one only that it is, and why.

        Gives False for one that may be kept no longer: only its place is told. Whether it says so
        itself is known once its signature holds. So for one whose list stands in the block of
        another alert of the same vehicle.
        """
        proof = None
        if self.checker is not None:
            proof = self.checker.check(alert, record.value, record.headers, self.now_s())
        if proof is not None and proof.flaw is not None:
            self._show_forged(record, proof)
            return True
        if not alert.is_kept(datetime.fromtimestamp(self.now_s(), UTC)):
            place = f"{record.topic}/{record.partition}/{record.offset}"
            click.echo(f"anpr: the alert at {place} may be kept no longer: not shown", err=True)
            return False
        shown = self._opened(alert)
        if not self.as_json:
            return self._show_block(shown, proof, was_sealed=alert.sealed is not None)
        if proof is None and shown is alert:
            click.echo(record.value.decode())
        else:
            value = record.value if shown is alert else json_bytes(shown)
            click.echo(value if proof is None else _with_proof(value, {**_told(proof)}))
        return True

    def _show_block(self, alert: Alert, proof: Proof | None, *, was_sealed: bool) -> bool:
        key_id, words = ("", "") if proof is None else (proof.key_id, words_of(proof))
        place = self._blocks.place(alert, key_id, was_sealed=was_sealed)
        if place.told is Told.BEFORE:
            return False
        show_placed(alert, place, words)
        return True

    def show_recall(self, recall: Recall, record: TailedRecord) -> bool:
        """Show one recall; of a forged one only that it is, and why, and False is given."""
        proof = None
        if self.checker is not None:
            proof = self.checker.check_recall(recall, record.value, record.headers, self.now_s())
        if proof is not None and proof.flaw is not None:
            self._show_forged(record, proof)
            return False
        if not self.as_json:
            click.echo(recall_block(recall, "" if proof is None else words_of(proof)))
        else:
            value = b'{"recall":%b}' % record.value
            click.echo(value if proof is None else _with_proof(value, {**_told(proof)}))
        return True

    def is_named(self, record: TailedRecord) -> bool:
        """Say whether a signature is meant for us; the record may have been changed since."""
        return self.checker is not None and self.checker.is_named(record.headers)

    def _opened(self, alert: Alert) -> Alert:
        if self.opener is None or alert.sealed is None:
            return alert
        found = self.opener.open(alert)
        if isinstance(found, str):
            click.echo(f"anpr: alert {alert.alert_id} was not opened: {found}", err=True)
            return alert
        return found

    def _show_forged(self, record: TailedRecord, proof: Proof) -> None:
        self.forged += 1
        place = f"{record.topic}/{record.partition}/{record.offset}"
        if self.as_json:
            told = {"proof": {**_told(proof), "place": place}}
            click.echo(msgspec.json.encode(told))
        else:
            click.echo(f"FORGED  {words_of(proof)}; the record at {place} is not shown\n")


def show_placed(alert: Alert, place: Showing, words: str = "") -> None:
    """Show an alert beside the blocks before it, naming only lists not told of yet."""
    if place.before is not None:
        others = [each for each in alert.also or () if each.alert_id in place.new]
        alert = alert.model_copy(update={"also": others})
    show_alert(alert, words, place.before)


def words_of(proof: Proof) -> str:
    """Say what a proof is worth."""
    if proof.flaw is not None:
        return f"{proof.flaw}: {WORDS[proof.flaw]}"
    return f"by key {proof.key_id}" if proof.key_id else "UNSIGNED: nobody vouches for it"


def _told(proof: Proof) -> dict[str, str]:
    told = {"state": proof.state}
    if proof.key_id:
        told["key"] = proof.key_id
    if proof.flaw is not None:
        told["flaw"] = proof.flaw.value
    return told


def _with_proof(value: bytes, told: Mapping[str, Any]) -> bytes:
    return b'%b,"proof":%b}' % (value.rstrip()[:-1], msgspec.json.encode(told))
