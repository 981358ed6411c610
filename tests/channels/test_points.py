"""Everything a channel writes to the world has a crash point in front of it."""

import ast
from pathlib import Path

import pytest

import kundenkreis.channels

pytestmark = pytest.mark.pure

FOLDER = Path(kundenkreis.channels.__file__).parent
WRITES = {"sendall", "send", "sendto", "sendmsg", "wrap_socket", "fsync", "commit"}
"""Methods that put something on a wire or a disk. `_connect` is the injected factory."""
ALLOWED = {
    ("email_smtp.py", "_write", "sendall"),
    ("email_smtp.py", "_wrap", "wrap_socket"),
    ("email_smtp.py", "_open", "_connect"),
}


def calls() -> set[tuple[str, str, str]]:
    found = set()
    for path in sorted(FOLDER.glob("*.py")):
        if path.name in ("testing.py", "sent_journal.py"):
            continue  # the journal writes no wire; its points stand on both sides of each fsync (tests/faults/test_points.py)
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                        found.add((path.name, function.name, call.func.attr))
    return found


def has_point_first(name: str, function_name: str, write: str) -> bool:
    for function in ast.walk(ast.parse((FOLDER / name).read_text("utf-8"))):
        if isinstance(function, ast.FunctionDef) and function.name == function_name:
            order = [
                call.func.attr
                for call in ast.walk(function)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            ]
            lines = {
                call.func.attr: call.lineno
                for call in ast.walk(function)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            }
            return "_point" in order and lines["_point"] < lines[write]
    return False


def test_nothing_is_written_without_a_point() -> None:
    writes = {call for call in calls() if call[2] in WRITES or call[2] == "_connect"}
    assert writes == ALLOWED
    assert all(has_point_first(*call) for call in ALLOWED)


def test_the_outbox_leaves_committing_to_the_store_whose_transactions_have_points() -> None:
    assert {call[1] for call in calls() if call[0] == "outbox.py" and call[2] == "transaction"} == {
        "claim_due",
        "write_fence",
        "_commit",
        "take_back",
        "take_receipts",
    }
