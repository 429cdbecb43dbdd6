"""Why a site's past is replayed: who, what for and in which case, in the record before anything.

Why the purpose is compared with the lists': a list is made for one purpose, and a look into the
past of everybody who passed is no way to use it for another. A look without a reason is odd and
shown as such; `audit.required` refuses it, as it refuses one that cannot be recorded.
"""

from collections.abc import Iterable

import click

from anpr_engine.cli.audit_source import Asked, missing_reasons, write_reading
from anpr_engine.cli.leave import Wanted, refuse_without, use_leave
from anpr_engine.cli.options import logged_in
from anpr_engine.cli.replay_options import ReplayOptions
from anpr_engine.cli.replay_site import ReplaySite
from anpr_engine.clock import SystemClock
from anpr_engine.errors import BrokerError, PolicyRefused
from anpr_engine.policy.purpose import serves
from anpr_engine.records.audit_event import AuditAction
from anpr_engine.watchlist.proposals import ProposalKind, Proposals
from anpr_engine.watchlist.redis_client import RedisSession
from anpr_engine.watchlist.stored import Profile

SUBJECT_MAX = 256


def ask_for_reason(options: ReplayOptions, *, required: bool) -> None:
    """Ask why a site's own past is replayed; files need no reason.

    Raises:
        PolicyRefused: no purpose or no case is given, and the site demands both.

    """
    missing = " and ".join(missing_reasons(options.purpose, options.case_ref))
    if not missing or options.files:
        return
    if required:
        what = f"Whoever replays this site's past says why: {missing} is not given."
        raise PolicyRefused(what, "Give both; they go into the record.")
    told = f"{missing} is not given; the record shows that (anpr audit show --odd)"
    click.echo(f"anpr: warning: {told}", err=True)


def use_replay_leave(options: ReplayOptions, site: ReplaySite, *, begun: bool) -> None:
    """Use up the leave that a replay of a site's own past needs, or was given.

    Args:
        options: what was asked for.
        site: with its rule, and where its leaves are.
        begun: it goes on by the leave that it used when it began.

    Raises:
        PolicyRefused: one is needed and not given, or the one given is none for this.
        StoreError: the leaves cannot be read.

    """
    by = (options.actor or "").strip() or logged_in()
    why = (options.purpose or "", options.case_ref or "")
    wanted = Wanted(ProposalKind.REPLAY, by, *why, options.leave or "")
    refuse_without(wanted, site.leave)
    if wanted.leave and not begun:
        with RedisSession(site.redis_url, trust=site.trust) as session:
            use_leave(wanted, Proposals(session, SystemClock()))


def note_replay(
    options: ReplayOptions, topic: str, profiles: Iterable[Profile], *, required: bool
) -> None:
    """Write into the site's record that its past is replayed, before any read is fetched.

    Raises:
        PolicyRefused: a list was made for another purpose.
        BrokerError: it cannot be written, and the site demands that it is.

    """
    wrong = lists_for_other_purposes(profiles, options.purpose) if options.purpose else ()
    if wrong:
        what = f"The purpose given is none of those of {', '.join(wrong)}."
        raise PolicyRefused(what, "Give the lists that were made for it with --watchlist.")
    asked = Asked(
        options.config,
        options.site,
        options.kafka,
        options.redis_url,
        purpose=options.purpose,
        case_ref=options.case_ref,
        actor=options.actor,
    )
    words = " ".join(f"{name[2:]}={value}" for name, value in options.as_asked().items())
    subject = f"{topic} {words}".strip()[:SUBJECT_MAX]
    try:
        write_reading(asked, subject, AuditAction.READS_REPLAYED)
    except BrokerError as error:
        if required:
            raise
        click.echo(f"anpr: warning: this replay is not in the record: {error.what}", err=True)


def lists_for_other_purposes(profiles: Iterable[Profile], purpose: str) -> list[str]:
    """Name the lists of which neither purpose nor category is the one given, letters' case apart.

    A list that says nothing of its purpose is not compared.
    """
    said: dict[str, set[str]] = {}
    for profile in profiles:
        said.setdefault(profile.list_id, set()).update((profile.purpose, profile.category))
    return sorted(list_id for list_id, words in said.items() if not serves(purpose, words))
