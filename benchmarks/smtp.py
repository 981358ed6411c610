"""How fast journey messages leave: outbox in SQLite, gate, rendering, MIME, SMTP on loopback, journal, record.

The sink is a process of its own, so that its work is not counted as ours but competes for the same cores. Prints one
line of JSON; the floor is half of the goal (docs/benchmarks.md).

    python benchmarks/smtp.py [--messages 3000] [--threads 4] [--dkim] [--no-journal]
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from kundenkreis.channels.core.channel import Brand, Links, Recipient
from kundenkreis.channels.core.dkim import DkimKey
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.channels.dispatcher import Allowed, Dispatcher, Rests, World
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpSettings
from kundenkreis.channels.journal_keeper import JournalKeeper
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.testing import SmtpSink, no_point
from kundenkreis.content.core.source import ContentSource, Variant
from kundenkreis.content.core.templates import compile_content
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.clock import SystemClock
from kundenkreis.runtime.stores.session import migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

GOAL_PER_SECOND = 500
FLOOR_PER_SECOND = 250

_ROW = "<tr><td style='padding:8px 0;font:16px/1.5 sans-serif;color:#222'>{}</td></tr>\n"
HTML = (
    "<html lang='de'><body style='margin:0;background:#fff'><table role='presentation' width='100%'>\n"
    + _ROW.format("Guten Tag {{ customer.first_name | default: 'liebe Kundin, lieber Kunde' }},")
    + "{% for p in event.products limit: 5 %}"
    + _ROW.format("{{ p.name }}: {{ p.price | money: 'EUR' }}")
    + "{% endfor %}"
    + "".join(_ROW.format(f"Absatz {n}: Wir zeigen Ihnen, wie Sie länger Freude daran haben.") for n in range(60))
    + _ROW.format("{{ brand.imprint }} <a href='{{ unsubscribe_url }}'>Abmelden</a>")
    + "</table></body></html>\n"
)
TEXT = (
    "Guten Tag {{ customer.first_name }},\n\nschön, dass Sie da sind.\n\n{{ brand.imprint }}\n{{ unsubscribe_url }}\n"
)


def _sink(pipe: Connection) -> None:
    with SmtpSink(keep=False) as sink:
        pipe.send(sink.port)
        pipe.recv()
        pipe.send((sink.count, sink.connections))


def _message(number: int, now_us: Micros) -> SendMessage:
    products = [{"name": f"Produkt {n}", "price": 9.99 * n} for n in range(1, 6)]
    return SendMessage(
        effect_id=number.to_bytes(16, "big"),
        profile_id=number,
        due_us=now_us,
        channel="email",
        content_id="news",
        message_class="marketing",
        purpose="newsletter",
        journey_id="welcome",
        run_id=number.to_bytes(16, "big"),
        step_id="greet",
        valid_until_us=now_us + DAY,
        variables={"products": products},
    )


def _people(messages: Sequence[SendMessage]) -> Mapping[tuple[int, str], Recipient]:
    return {
        (message.profile_id, message.channel): Recipient(
            profile_id=message.profile_id,
            address=f"kunde{message.profile_id}@kunde.example",
            name="Jörg Beispiel",
            language="de",
            attributes={"first_name": "Jörg"},
        )
        for message in messages
    }


def _fill(store: SqliteStore, count: int, now_us: Micros) -> None:
    rows = []
    for number in range(1, count + 1):
        message = _message(number, now_us)
        rows.append((message.effect_id, number, now_us, now_us, msgspec.msgpack.encode(message)))
    with store.transaction("fill") as tx:
        tx.run_many(
            "INSERT INTO outbox (effect_id, profile_id, due_us, state, claimed_by, claim_epoch, lease_until_us, "
            "attempts, next_try_us, payload, uncertain, reply, finished_us) "
            "VALUES (?, ?, ?, 'queued', '', 0, 0, 0, ?, ?, 0, '', 0)",
            rows,
        )


def measure(messages: int, threads: int, *, dkim: bool, has_journal: bool = True) -> dict[str, object]:
    """Figures of one run."""
    here, there = multiprocessing.Pipe()
    sink = multiprocessing.Process(target=_sink, args=(there,), daemon=True)
    sink.start()
    port = here.recv()
    content = compile_content(
        ContentSource(
            id="news",
            message_class="marketing",
            value="Erfährt, was es Neues gibt",
            call_to_action="read",
            variants={"de": Variant(subject="Neues für {{ customer.first_name }}", html=HTML, text=TEXT)},
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db")
        migrate(store)
        clock = SystemClock()
        _fill(store, messages, clock.now_us())
        key = DkimKey("muster.example", "s1", rsa.generate_private_key(65537, 2048)) if dkim else None
        journal = JournalKeeper(
            store, Path(folder), now_us=clock.now_us, point=no_point, alarm=lambda slug, detail: print(slug, file=sys.stderr)
        )  # fmt: skip
        world = World(
            store=SqlOutbox(store),
            gate=lambda message, at_us: Allowed(),
            people=_people,
            contents={"news": content}.get,
            channels={
                "email": SmtpChannel(
                    SmtpSettings(host="127.0.0.1", port=port), point=no_point, monotonic=time.monotonic, dkim=key
                )
            },
            brand=lambda: Brand(
                name="Muster", from_address="post@muster.example", imprint="Muster GmbH", domain="muster.example"
            ),
            links=Links("https://post.muster.example", TokenKey(b"k" * 32), b"m" * 32),
            clock=clock,
            point=no_point,
            rests=Rests(),
            alarm=lambda slug, detail: print(slug, detail, file=sys.stderr),
            journal=journal if has_journal else None,
        )
        seconds = _drain(world, threads)
        journal.close()
        store.close()
    here.send("stop")
    taken, connections = here.recv()
    sink.join(10)
    assert taken == messages, (taken, messages)
    return {
        "messages_per_second": round(messages / seconds, 1),
        "messages": messages,
        "threads": threads,
        "connections": connections,
        "dkim": dkim,
        "journal": has_journal,
        "html_bytes": len(HTML),
        "goal_per_second": GOAL_PER_SECOND,
    }


def _drain(world: World, threads: int) -> float:
    def work(name: str) -> None:
        dispatcher = Dispatcher(world, name)
        while dispatcher.run_once().claimed:
            pass
        dispatcher.close()

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started


def main() -> int:
    """Print the figures; 1 if they lie under the floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--dkim", action="store_true")
    parser.add_argument("--no-journal", action="store_true", help="to see what the journal of sent messages costs")
    chosen = parser.parse_args()
    figures = measure(chosen.messages, chosen.threads, dkim=chosen.dkim, has_journal=not chosen.no_journal)
    print(json.dumps(figures))
    return 0 if figures["messages_per_second"] >= FLOOR_PER_SECOND else 1  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
