"""Nothing durable happens without a crash point: read from the source, so that new code cannot forget it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import kundenkreis
from tests.faults.points import OUTSIDE, POINTS, page
from tests.faults.stage import ROOT

pytestmark = pytest.mark.pure

PACKAGE = Path(kundenkreis.__file__).parent
FOLDERS = ("runtime", "events", "channels")
FAKES = "testing.py"
DURABLE = {"commit", "fsync", "fdatasync", "sendall", "sendto", "sendmsg", "sendfile"}
GIVE_POINTS = {"point", "_point", "_write", "_command"}
"""Functions that are told the name of a point: `_write` and `_command` of the SMTP session pass it on."""
ASKS_ONLY = {"runtime/web_asking.py: _asked_at", "runtime/stores/postgres.py: _is_heard"}
"""Functions that send a question after which nothing is other than before, here or there: whether a link works (HEAD, GET), whether one
connection hears another (a notification that nobody else listens to)."""
HASTENS_ONLY = {"runtime/stores/checkpoints.py: _put_on_disk"}
"""Functions that put on the disk what nobody waits for: whoever needs it there waits by a commit of their own."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the runtime, the tracking API and the channels, without the fakes."""
    for folder in FOLDERS:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            if path.name != FAKES:
                yield path, ast.parse(path.read_text())


def called(node: ast.AST) -> str:
    """The last name of what is called: `connection.execute(...)` -> execute; "" if this is no call."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def first_text(call: ast.AST) -> str | None:
    """The first argument if it is written out; the fixed beginning of an f-string."""
    assert isinstance(call, ast.Call)
    given = call.args[0] if call.args else None
    if isinstance(given, ast.JoinedStr):
        given = given.values[0]
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def is_durable(node: ast.AST) -> bool:
    """Whether this makes something durable or lets it out of the process."""
    name = called(node)
    if name == "execute":
        return (first_text(node) or "").strip().upper().startswith(("COMMIT", "NOTIFY"))
    return name in DURABLE


def without_point(tree: ast.Module) -> list[str]:
    """Functions that make something durable and pass no point."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return [
        function.name
        for function in functions
        if any(is_durable(node) for node in ast.walk(function))
        and not any(called(node) in {"point", "_point"} for node in ast.walk(function))
    ]


def names_in(tree: ast.Module) -> set[str]:
    """Points named in this module: given to a point, or made from the name of a transaction."""
    names: set[str] = set()
    for node in ast.walk(tree):
        text = first_text(node) if isinstance(node, ast.Call) else None
        if text and called(node) in GIVE_POINTS:
            names.add(text)
        if text and (called(node) == "transaction" or (called(node) == "run" and text.startswith("outbox."))):
            names |= {f"{text}.before_commit", f"{text}.after_commit"}
    return names


def test_whatever_is_durable_has_a_point() -> None:
    missing = {f"{path.relative_to(PACKAGE)}: {name}" for path, tree in modules() for name in without_point(tree)}
    assert missing == ASKS_ONLY | HASTENS_ONLY


def test_every_transaction_has_a_name() -> None:
    unnamed = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) == "transaction" and first_text(node) is None
    ]
    # The group commit is given the name by those who bring work: SqlOutbox, with `run("outbox...")`.
    assert [place.partition(":")[0] for place in unnamed] == ["channels/outbox.py"]


def test_list_of_points_is_what_the_source_names() -> None:
    named = {name for _, tree in modules() for name in names_in(tree)}
    bells = {f"bell.{name}.ring" for name in ("worker", "dispatcher")}
    assert named | bells == {point.name for point in POINTS} | set(OUTSIDE)
    assert len(POINTS) >= 25


def test_page_says_what_the_list_says() -> None:
    assert (ROOT / "docs/reference/crash-points.md").read_text() == page(), (
        "Run: python -m tests.faults.points > docs/reference/crash-points.md"
    )


@pytest.mark.parametrize(
    "source",
    [
        "def f(connection): connection.commit()",
        "def f(connection): connection.execute('commit')",
        "async def f(file): os.fsync(file)",
        "def f(self): self._socket.sendall(b'')",
        "def f(c, name): c.execute(f'NOTIFY {name}')",
    ],
)
def test_a_forgotten_point_is_seen(source: str) -> None:
    assert without_point(ast.parse(source)) == ["f"]


def test_a_point_in_its_place_is_enough() -> None:
    assert without_point(ast.parse("def f(self, c):\n self._point('x')\n c.commit()")) == []
