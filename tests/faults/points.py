"""All crash points of the runtime and its channels: which role passes each, on which stores, and at which hits it is killed there.

`test_kill.py` holds this list against what a run really passes, and `docs/reference/crash-points.md` against this list.
"""

from dataclasses import dataclass

BOTH = ("sqlite", "postgres")


@dataclass(frozen=True)
class CrashPoint:
    """One named place."""

    name: str
    role: str
    """The role that is killed there: web, worker, dispatcher, publisher, visitor (the web role, by an unsubscribe link)."""
    what: str
    stores: tuple[str, ...] = BOTH
    hits: tuple[int, ...] = (1,)
    """At which passings it is killed: the first always, for some the second and the last of the story as well."""
    is_sure: bool = True
    """False between the intent and its record: nobody knows then whether the server took the message, and it says so."""


POINTS: tuple[CrashPoint, ...] = (
    CrashPoint("inbox.create.before_commit", "web", "the inbox table is about to be committed"),
    CrashPoint("inbox.create.after_commit", "web", "the inbox table is there"),
    CrashPoint("inbox.before_commit", "web", "a group of requests is written, not yet durable", hits=(1, 2)),
    CrashPoint("inbox.after_commit", "web", "requests are durable, nobody was told"),
    CrashPoint("bell.worker.ring", "web", "the worker is about to be woken"),
    CrashPoint("inbox.before_answer", "web", "the sender is about to hear yes"),
    CrashPoint("inbox.after_answer", "web", "the sender was told yes"),
    CrashPoint(
        "settle.before_commit", "worker", "the disk is about to be awaited, for all batches so far", ("sqlite",)
    ),
    CrashPoint("settle.after_commit", "worker", "no power failure takes them back any more", ("sqlite",)),
    CrashPoint(
        "inbox.prune.before_commit", "worker", "requests that are in the log are about to leave the inbox", ("sqlite",)
    ),
    CrashPoint("inbox.prune.after_commit", "worker", "they have left it", ("sqlite",)),
    CrashPoint("migrate.before_commit", "worker", "missing tables are about to be committed"),
    CrashPoint("migrate.after_commit", "worker", "all tables are there"),
    CrashPoint("zone.before_commit", "worker", "the installation's zone is about to be fixed"),
    CrashPoint("zone.after_commit", "worker", "the zone is fixed"),
    CrashPoint("list.before_commit", "worker", "the list of customers of an older store is about to be filled"),
    CrashPoint("list.after_commit", "worker", "it is filled"),
    CrashPoint("publish.before_commit", "publisher", "a rulebook and its control rows are written, not yet durable"),
    CrashPoint("publish.after_commit", "publisher", "the rulebook is in force, the worker not yet woken"),
    CrashPoint("lease.before_commit", "worker", "partitions are about to be taken or renewed", ("postgres",)),
    CrashPoint("lease.after_commit", "worker", "partitions are taken", ("postgres",)),
    CrashPoint("resolver.before_append", "worker", "requests are taken and read"),
    CrashPoint(
        "resolver.after_append", "worker", "log rows, identifiers and keys are written, not yet durable", hits=(1, 2)
    ),
    CrashPoint("resolve.before_commit", "worker", "the log rows are about to be committed", ("postgres",)),
    CrashPoint("resolve.after_commit", "worker", "the log rows are committed, not yet folded", ("postgres",), (1, 2)),
    CrashPoint(
        "clock.before_commit", "worker", "the clocks of the partitions are about to be committed", ("postgres",)
    ),
    CrashPoint("clock.after_commit", "worker", "the clocks stand", ("postgres",)),
    CrashPoint("fold.after_save", "worker", "states, decisions and outbox are written, not yet durable"),
    CrashPoint("fold.before_commit", "worker", "everything of the batch is about to be committed", hits=(1, 2)),
    CrashPoint("fold.after_commit", "worker", "the batch is committed, nobody was told", hits=(1, 2)),
    CrashPoint("bell.dispatcher.ring", "worker", "the dispatcher is about to be woken"),
    CrashPoint(
        "outbox.take_back.before_commit", "dispatcher", "claims of a dead forerunner are about to be due at once"
    ),
    CrashPoint("outbox.take_back.after_commit", "dispatcher", "they are due"),
    CrashPoint("journal.begin.before_fsync", "dispatcher", "a journal of sent messages is about to be begun"),
    CrashPoint("journal.folder.before_fsync", "dispatcher", "its entry in the folder is about to be durable"),
    CrashPoint("journal.begin.after_fsync", "dispatcher", "it is begun"),
    CrashPoint("outbox.journal.before_commit", "dispatcher", "the database is about to hear of the journal"),
    CrashPoint("outbox.journal.after_commit", "dispatcher", "it knows of it"),
    CrashPoint("outbox.stopped.before_commit", "dispatcher", "the status is about to say that messages can be sent"),
    CrashPoint("outbox.stopped.after_commit", "dispatcher", "it says so"),
    CrashPoint("dispatcher.claim", "dispatcher", "messages are about to be claimed"),
    CrashPoint("outbox.claim.before_commit", "dispatcher", "claims are about to be committed"),
    CrashPoint("outbox.claim.after_commit", "dispatcher", "messages are claimed", hits=(1, 2)),
    CrashPoint(
        "dispatcher.render", "dispatcher", "the gate has said yes, the message is about to be written", hits=(1, 10)
    ),
    CrashPoint("smtp.connect", "dispatcher", "a connection to the mail server is about to be opened"),
    CrashPoint("smtp.ehlo", "dispatcher", "EHLO is about to be sent"),
    CrashPoint("smtp.mail", "dispatcher", "MAIL is about to be sent"),
    CrashPoint("smtp.rcpt", "dispatcher", "RCPT is about to be sent"),
    CrashPoint("smtp.data", "dispatcher", "DATA is about to be sent", hits=(1, 10)),
    CrashPoint("smtp.body", "dispatcher", "the body is about to be sent", hits=(1, 10)),
    CrashPoint(
        "dispatcher.intent",
        "dispatcher",
        "the server has the whole body, the intent is about to be written",
        hits=(1, 10),
    ),
    CrashPoint("outbox.intent.before_commit", "dispatcher", "the intent is about to be committed", hits=(1, 10)),
    CrashPoint(
        "outbox.intent.after_commit",
        "dispatcher",
        "the intent is durable, the dot not yet written",
        hits=(1, 10),
        is_sure=False,
    ),
    CrashPoint(
        "dispatcher.intent_committed",
        "dispatcher",
        "the sender knows that the intent is durable",
        hits=(1, 10),
        is_sure=False,
    ),
    CrashPoint("smtp.dot", "dispatcher", "the final dot is about to be sent", hits=(1, 10), is_sure=False),
    CrashPoint("smtp.dot_written", "dispatcher", "the dot is out, no answer yet", hits=(1, 10), is_sure=False),
    CrashPoint(
        "smtp.reply_read", "dispatcher", "the server has said yes, nothing recorded", hits=(1, 10), is_sure=False
    ),
    CrashPoint(
        "journal.before_fsync",
        "dispatcher",
        "the line of the hand-over is written, not yet durable",
        hits=(1, 10),
        is_sure=False,
    ),
    CrashPoint(
        "journal.after_fsync", "dispatcher", "the journal names the message as sent", hits=(1, 10), is_sure=False
    ),
    CrashPoint("dispatcher.record", "dispatcher", "the hand-over is about to be recorded", hits=(1, 10), is_sure=False),
    CrashPoint(
        "outbox.complete.before_commit",
        "dispatcher",
        "the record is about to be committed",
        hits=(1, 10),
        is_sure=False,
    ),
    CrashPoint("outbox.complete.after_commit", "dispatcher", "the hand-over is recorded", hits=(1, 10), is_sure=False),
    CrashPoint(
        "dispatcher.recorded", "dispatcher", "the sender knows that it is recorded", hits=(1, 10), is_sure=False
    ),
    CrashPoint("outbox.fence.before_commit", "visitor", "the fence of an unsubscribe link is about to be committed"),
    CrashPoint("outbox.fence.after_commit", "visitor", "the fence stands, the withdrawal is not yet stored"),
    CrashPoint("unsubscribe.before_commit", "visitor", "the withdrawal is about to be committed"),
    CrashPoint("unsubscribe.after_commit", "visitor", "the withdrawal is durable, nobody was told"),
    CrashPoint(
        "settings.before_commit", "worker", "settings that the fold obeys are about to be written beside the data"
    ),
    CrashPoint("settings.after_commit", "worker", "they stand there"),
    CrashPoint("prune.before_commit", "worker", "what has had its time is about to go"),
    CrashPoint("prune.after_commit", "worker", "it is gone"),
)

BY_NAME = {point.name: point for point in POINTS}

OUTSIDE = {
    "figures.before_commit": "the counter is killed: the figure stays as it was and is counted again",
    "figures.after_commit": "the same",
    "filter.before_commit": "somebody saves or drops a filter of the list: killed, the page says that it was not saved",
    "filter.after_commit": "it is saved",
    "test_mail.before_commit": "a test message goes into the local mailbox: killed, it did not",
    "test_mail.after_commit": "it is there, the page does not say so",
    "people.before_commit": "somebody joins two records or stops a message: killed, nothing of it happened",
    "people.after_commit": "it is on the log, the page does not say so",
    "bulk.before_commit": "many are changed together: killed, the next few hundred are not; whoever starts next goes on",
    "bulk.after_commit": "they are on the log and noted as changed; whoever starts next goes on with the others",
    "control.before_commit": "a journey is stopped by hand: killed, it goes on",
    "control.after_commit": "it is stopped, the page does not say so",
    "draft.before_commit": "somebody saves a draft: killed, the page says that it was not saved",
    "draft.after_commit": "it is saved",
    "rebuild.before_commit": "a rebuild is killed: its second store is thrown away, nothing else was touched",
    "rebuild.after_commit": "the same",
    "release.before_commit": "quarantined customers are let out: killed, the command is given again",
    "release.after_commit": "the same",
    "replay.before_commit": "quarantined events are sent again: killed, the command is given again; repeats are dropped",
    "replay.after_commit": "the same",
    "returned.before_commit": "a bounce or complaint is taken in: killed, the mail still lies there and is read again; repeats are dropped",
    "returned.after_commit": "the same",
    "journal.room.before_fsync": "the journal is about to grow: killed, it grows at the next start",
    "journal.room.after_fsync": "it has room again",
    "journal.cut.before_fsync": "lines that have had their time are about to go: killed, they are still there",
    "journal.cut.after_fsync": "they are gone",
    "outbox.replay.before_commit": "the database is about to learn what was sent without its knowledge: killed, the next start tells it",
    "outbox.replay.after_commit": "it knows; sending is paused if a backup was restored",
    "outbox.forget_sent.before_commit": "messages remembered from a restore long ago are about to go: killed, they stay",
    "outbox.forget_sent.after_commit": "they are gone",
    "resume.before_commit": "somebody lets sending go on after a restore: killed, it is still paused",
    "resume.after_commit": "it goes on at the next ring",
    "held.before_commit": "a person decides about messages on hold: killed, they are still on hold",
    "held.after_commit": "the decision stands with its event, which the worker folds at its next look",
    "inbox.number.before_commit": "an inbox that was lost or put back older is about to number on behind what was read: killed, the next start does it",
    "inbox.number.after_commit": "it does, before anybody was told yes",
    "smtp.tls": "the TLS handshake, where encryption is required",
    "smtp.helo": "HELO, to a server that does not know EHLO",
    "smtp.starttls": "STARTTLS, where encryption is required",
    "smtp.auth": "the login at the mail server",
    "smtp.rset": "RSET after a refusal",
    "smtp.quit": "QUIT at a clean end",
    "write_keys.before_replace": "a new file of write keys is durable beside the old one",
}
"""Points that the story does not pass: other commands, or answers that its mail server does not give."""


def page() -> str:
    """The reference page."""
    lines = [
        "# Crash points",
        "",
        "Every commit, every fsync and every write to a socket of the runtime, the tracking API and the channels has a name. The fault tests",
        "(`tests/faults/`) start real processes, end them with `kill -9` at each of these points, on SQLite and PostgreSQL, and check afterwards",
        "that nothing acknowledged is lost and nothing has happened twice, except sends that say they are in doubt.",
        "",
        "`KREIS_CRASH_AT=name:n` ends the process that passes the point `name` for the n-th time; several are separated by commas. Only the first",
        "process of each role reads it: what `kreis serve` starts again does not die there a second time. It is no setting, and nothing but tests",
        "should use it.",
        "",
        "| point | killed here | stores | what it is like at this moment |",
        "|---|---|---|---|",
    ]
    for point in POINTS:
        stores = " and ".join({"sqlite": "SQLite", "postgres": "PostgreSQL"}[store] for store in point.stores)
        lines.append(f"| `{point.name}` | {point.role} | {stores} | {point.what} |")
    lines += [
        "",
        "From `outbox.intent.after_commit` to `journal.before_fsync` nobody can know whether the mail server has taken the message; it is then marked",
        "as uncertain, and sent once more under the same Message-ID (transactional) or held for a person to decide (everything else). From",
        "`journal.after_fsync` on the journal of sent messages knows it; another thread may still be in between.",
        "",
        "Points outside the tests' story:",
        "",
        "| point | what it is like at this moment |",
        "|---|---|",
        *(f"| `{name}` | {what} |" for name, what in OUTSIDE.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
