"""How long pages take on a loaded installation while events come in.

    python -m benchmarks.web FOLDER [--rate 1000] [--requests 40] [--first-paint] [--only NAME ...]

Serves the folder as shipped (the events sent stay in it: give a copy of what should stay as it is), signs in by the console's link, and asks for
every page again and again with other parameters, from a process of its own, while another sends `--rate` events a second by the tracking API: nine in ten of
customers of the store, the others of new ones. A time runs from sending the request to the last byte of the answer, which is compressed as browsers ask for it.
Figures that the counter keeps are waited for first. With `--first-paint` Chromium opens the main pages; benchmarks/paints.py opens all.
"""

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pysqlite3 as sqlite3

from benchmarks.events import traffic
from benchmarks.latency import post_bytes
from benchmarks.paints import paints
from kundenkreis.runtime.counting.counter import COUNTED_WHEN_LARGE, FIGURES_COUNTED
from kundenkreis.runtime.counting.journey_effects import FIGURE as EFFECTS
from kundenkreis.runtime.counting.journeys import FIGURE as JOURNEY
from kundenkreis.runtime.counting.kept import LARGE
from kundenkreis.runtime.installation import STORE_FILE
from tests.browser.served import Served

PER_REQUEST = 50
KNOWN_SHARE = 0.9
"""Events of people who are in the store already."""
MOST_KNOWN = 20_000
SETTLE_SECONDS = 10
"""Of traffic before the first page is asked for."""
COUNTER_SECONDS = 1_800
IDLE_SECONDS = 3
"""After which a connection may have been closed by the server (uvicorn: after five)."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    form: dict[str, str] | None = None


@dataclass
class Asked:
    """What was measured of one page."""

    name: str
    goal_ms: float | None
    times_ms: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Median, 95th percentile, slowest."""
        times = sorted(self.times_ms)
        return {
            "page": self.name, "n": len(times), "median_ms": round(statistics.median(times)),
            "p95_ms": round(times[max(-(-len(times) * 95 // 100) - 1, 0)]), "most_ms": round(times[-1]), "goal_ms": self.goal_ms,
        }  # fmt: skip


class Browser:
    """A signed-in session over one connection."""

    def __init__(self, served: Served) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=600)
        self._cookies: dict[str, str] = {}
        self._last = 0.0
        link = urlsplit(served.command("login")["url"]).path
        self.ask(Ask(link))
        status, _, _ = self.ask(Ask(link, form={}))
        if status != 302:
            raise SystemExit(f"signing in answered {status}")
        self.ask(Ask("/start/"))

    def ask(self, wanted: Ask) -> tuple[int, bytes, float]:
        """(status, body as sent, milliseconds)."""
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
            "Accept-Encoding": "gzip",
        }
        body = None
        if wanted.form is not None:
            token = self._cookies.get("kreis_csrf", "")
            body = urlencode(wanted.form | {"csrfmiddlewaretoken": token})
            headers |= _FORM | {"X-CSRFToken": token}
        if time.perf_counter() - self._last > IDLE_SECONDS:
            self._connection.close()  # the server has done so; the next request opens it anew
        begun = time.perf_counter()
        self._connection.request("GET" if body is None else "POST", wanted.path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        self._last = time.perf_counter()
        took_ms = (self._last - begun) * 1000
        for line in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        if answer.status >= 400:
            raise SystemExit(f"{wanted.path} answered {answer.status}")
        return answer.status, content, took_ms


class Store:
    """What the store offers to ask for."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._db = sqlite3.connect(f"file:{folder / STORE_FILE}?mode=ro", uri=True)
        self._chance = chance
        self.customers = self._some(
            "SELECT profile_id FROM customer_list WHERE +is_known = 1 AND profile_id >= ? ORDER BY profile_id LIMIT 1"
        )
        self.emails = self._of_customers("email")
        self.phones = [
            row[0] for row in self._db.execute("SELECT value FROM identifiers WHERE kind = 'phone' LIMIT 5000")
        ]
        self.journeys = self._each("journey_id", "run_entries WHERE")
        self.segments = self._each("definition_id", "memberships WHERE kind = 'segment' AND")
        self.phases = self._each("definition_id", "memberships WHERE kind = 'phase' AND")
        self.last_names = ["Müller", "Weber", "Kowalski", "Schneider", "Yilmaz", "Fischer", "Horvat"]

    def _each(self, column: str, table: str) -> list[str]:
        """The values of an index's column, one look-up each."""
        found = [""]
        while row := self._db.execute(f"SELECT min({column}) FROM {table} {column} > ?", (found[-1],)).fetchone()[0]:
            found.append(str(row))
        return found[1:]

    def _of_customers(self, kind: str) -> list[str]:
        sql = "SELECT value FROM identifiers WHERE profile_id = ? AND +kind = ?"
        return [row[0] for one in self.customers for row in self._db.execute(sql, (one, kind)).fetchmany(1)]

    def _some(self, sql: str, count: int = 200) -> list[Any]:
        """By random ids: profile ids are hashes."""
        found = [self._db.execute(sql, (self._chance.getrandbits(62),)).fetchone() for _ in range(count)]
        return [row[0] for row in found if row is not None]

    def user_ids(self) -> list[str]:
        """Some thousand user ids of customers."""
        sql = (
            "SELECT profile_id FROM customer_list WHERE profile_id >= ? AND +is_known = 1 ORDER BY profile_id LIMIT 200"
        )
        people = [
            row[0] for _ in range(MOST_KNOWN // 200) for row in self._db.execute(sql, (self._chance.getrandbits(62),))
        ]
        ids = "SELECT value FROM identifiers WHERE profile_id = ? AND +kind = 'user_id'"
        found = [row[0] for one in people for row in self._db.execute(ids, (one,)).fetchmany(1)]
        self._chance.shuffle(found)
        return found

    def missing_figures(self) -> int:
        """How many figures the counter has not counted yet."""
        wanted = {*FIGURES_COUNTED, *(EFFECTS + one for one in self.journeys)}
        if self._db.execute("SELECT next FROM numbers WHERE name = 'log'").fetchone()[0] > LARGE:
            wanted |= {*COUNTED_WHEN_LARGE, *(JOURNEY + one for one in self.journeys)}
        return len(wanted - {row[0] for row in self._db.execute("SELECT name FROM figures")})


Asks = Callable[[Store, random.Random], Ask]


def _list(store: Store, chance: random.Random) -> Ask:
    sort = chance.choice(("-seen", "-since", "-sales", "name"))
    narrowed = chance.choice(
        ("", f"&phase={chance.choice(store.phases)}", f"&segment={chance.choice(store.segments)}", "&view=visitors")
    )
    return Ask(f"/customers/?sort={sort}{narrowed}")


def _search(store: Store, chance: random.Random) -> Ask:
    kind = chance.choice(("email", "phone", "name", "both"))
    email = chance.choice(store.emails)
    if kind == "phone" and store.phones:
        return Ask(f"/customers/?q={chance.choice(store.phones)[-6:]}")
    if kind == "name":
        return Ask(f"/customers/?q={quote(chance.choice(store.last_names))}")
    local = email.partition("@")[0].split(".")
    return Ask(f"/customers/?q={quote(' '.join(local[:2]) if kind == 'both' else email)}")


def _palette(store: Store, chance: random.Random) -> Ask:
    return Ask(_search(store, chance).path.replace("/customers/", "/search/"))


def _preview(store: Store, chance: random.Random) -> Ask:
    return Ask("/segments/estimate/", form=chance.choice(PREVIEWS)(store, chance))


def _orders_form(_store: Store, chance: random.Random) -> dict[str, str]:
    field = "c.0.event"
    return {
        "c.kind": "all", "c.0.kind": "event", f"{field}.name": "Order Completed", f"{field}.count.at_least": "1",
        f"{field}.within_days": "90", "c.1.kind": "trait", "c.1.trait.name": "sales", "c.1.trait.op": ">=",
        "c.1.trait.value": str(chance.randrange(20, 900)),
    }  # fmt: skip


def _place_form(store: Store, chance: random.Random) -> dict[str, str]:
    city = chance.choice(("Dresden", "Berlin", "Wien", "Boston"))
    return {
        "c.kind": "any", "c.0.kind": "attribute", "c.0.attribute.name": "address.city", "c.0.attribute.op": "equals",
        "c.0.attribute.value": city, "c.1.kind": "segment", "c.1.segment.id": chance.choice(store.segments),
    }  # fmt: skip


def _consent_form(_store: Store, chance: random.Random) -> dict[str, str]:
    return {
        "c.kind": "all", "c.0.kind": "consent", "c.0.consent.channel": "email", "c.0.consent.purpose": "newsletter",
        "c.1.kind": "trait", "c.1.trait.name": "order_count", "c.1.trait.op": ">=", "c.1.trait.value": str(chance.randrange(1, 9)),
    }  # fmt: skip


PREVIEWS: Sequence[Callable[[Store, random.Random], dict[str, str]]] = (_orders_form, _place_form, _consent_form)

PAGES: Sequence[tuple[str, float | None, Asks]] = (
    ("customer list", 200, _list),
    ("customer search", 200, _search),
    ("search in the palette", 200, _palette),
    ("customer page", 250, lambda store, chance: Ask(f"/customers/{chance.choice(store.customers)}/")),
    ("start page", 300, lambda _, chance: Ask(f"/start/?days={chance.choice((1, 7, 30))}")),
    ("segment preview", 1_000, _preview),
    ("journey page", 400, lambda store, chance: Ask(f"/journeys/{chance.choice(store.journeys)}/")),
    ("list of journeys", None, lambda _store, _chance: Ask("/journeys/")),
    ("list of segments", None, lambda _store, _chance: Ask("/segments/")),
    ("segment page", None, lambda store, chance: Ask(f"/segments/{chance.choice(store.segments)}/")),
    ("list of content", None, lambda _store, _chance: Ask("/contents/")),
    ("content map", None, lambda _store, _chance: Ask("/contents/map/")),
    ("messages", None, lambda _store, _chance: Ask("/messages/")),
    ("events", None, lambda _store, _chance: Ask("/events/")),
    ("status", None, lambda _store, _chance: Ask("/status/")),
)
"""Name, p95 in milliseconds that is wanted (None: reported only), what is asked for."""


def send_events(port: int, key: str, rate: int, people: Sequence[str]) -> None:
    """Events of these people and of new ones, until this process is ended."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chance = random.Random(time.time_ns())
    count = round(len(people) / KNOWN_SHARE)
    stream = traffic(1 << 40, count, start_us=0, step_us=1, seed=chance.getrandbits(32))
    begun, sent = time.monotonic(), 0
    while True:
        time.sleep(max(begun + sent / rate - time.monotonic(), 0))
        bodies = [_of_somebody(item.body, people) for _, item in zip(range(PER_REQUEST), stream, strict=False)]
        post_bytes(connection, key, "/v1/batch", b'{"batch":[' + b",".join(bodies) + b"]}")
        sent += len(bodies)


def _of_somebody(body: bytes, people: Sequence[str]) -> bytes:
    message = json.loads(body)
    number = int(message["userId"][1:])
    message["userId"] = people[number] if number < len(people) else f"new-{number}-{message['messageId']}"
    return json.dumps(message).encode()


def run(folder: Path, *, rate: int, requests: int, only: Sequence[str], is_painted: bool) -> dict[str, Any]:
    """Every page's times; lag of the fold at the end; first paints."""
    served = Served(folder)
    key = served.command("keys", "create", "--source", "bench", "--kind", "server")["created"]
    chance = random.Random(1)
    store = Store(folder, chance)
    served.start()
    sender: subprocess.Popen[bytes] | None = None
    try:
        browser = Browser(served)
        waited = wait_for_figures(store)
        if rate:
            sender = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.web", "--send", str(served.port), key, str(rate)],
                stdin=subprocess.PIPE,
            )
            assert sender.stdin is not None
            sender.stdin.write(json.dumps(store.user_ids()).encode())
            sender.stdin.close()
            time.sleep(SETTLE_SECONDS)
        asked = [
            measure(name, goal, asks, browser, store, chance, requests)
            for name, goal, asks in PAGES
            if not only or name in only
        ]
        if sender is not None and sender.poll() is not None:
            raise SystemExit("the events stopped coming in while pages were measured")
        status = served.command("status") if rate else {}
        return {
            "pages": [one.as_json() for one in asked], "counter_seconds": waited, "lag_ms": status.get("lag_us", 0) / 1000,
            "paints": paints(served, main_pages(store, chance), visits=5) if is_painted else [],
        }  # fmt: skip
    finally:
        if sender is not None:
            sender.terminate()
            sender.wait()
        served.stop()


def main_pages(store: Store, chance: random.Random) -> list[tuple[str, str]]:
    """(name, path) of those whose first paint counts."""
    return [
        ("start page", "/start/"), ("customer list", "/customers/"), ("customer page", f"/customers/{chance.choice(store.customers)}/"),
        ("journey page", f"/journeys/{store.journeys[0]}/"), ("segment builder", f"/segments/{store.segments[0]}/edit/"),
    ]  # fmt: skip


def wait_for_figures(store: Store) -> float:
    """Seconds until the counter had counted every figure once."""
    begun = time.monotonic()
    while store.missing_figures():
        if time.monotonic() - begun > COUNTER_SECONDS:
            raise SystemExit("the counter has not counted")
        time.sleep(0.5)
    return round(time.monotonic() - begun, 1)


def measure(
    name: str, goal_ms: float | None, asks: Asks, browser: Browser, store: Store, chance: random.Random, requests: int
) -> Asked:  # fmt: skip
    """One page, again and again; the first two requests fill caches and are not counted."""
    asked = Asked(name, goal_ms)
    for number in range(requests + 2):
        wanted = asks(store, chance)
        status, _, took_ms = browser.ask(wanted)
        if status != 200:
            raise SystemExit(f"{wanted.path} answered {status}")
        if number >= 2:
            asked.times_ms.append(took_ms)
            if goal_ms is not None and took_ms > goal_ms:
                print(f"{took_ms:7.0f} ms  {wanted.path} {wanted.form or ''}", file=sys.stderr)
    print(json.dumps(asked.as_json()), file=sys.stderr, flush=True)
    return asked


def main() -> None:
    """Print the figures as JSON."""
    if sys.argv[1:2] == ["--send"]:
        send_events(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), json.load(sys.stdin))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--first-paint", action="store_true")
    parser.add_argument("--only", nargs="*", default=())
    arguments = parser.parse_args()
    found = run(
        arguments.folder, rate=arguments.rate, requests=arguments.requests, only=arguments.only, is_painted=arguments.first_paint
    )  # fmt: skip
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
