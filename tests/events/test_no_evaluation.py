"""Nothing that takes events in can run what a sender wrote (attacks A5, A6, A8)."""

import ast
from pathlib import Path

import pytest

import kundenkreis.events
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.inbox import SqliteInbox

SOURCES = sorted(Path(kundenkreis.events.__path__[0]).rglob("*.py"))

BANNED_MODULES = {"pickle", "marshal", "shelve", "dill", "yaml", "importlib", "subprocess", "code", "jinja2"}
BANNED_CALLS = {"eval", "exec", "compile", "__import__", "getattr", "globals"}


@pytest.mark.pure
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_way_from_data_to_code(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert (imported & BANNED_MODULES, called & BANNED_CALLS) == (set(), set())


@pytest.mark.pure
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_sql_is_never_put_together_from_parts(path: Path) -> None:
    tree = ast.parse(path.read_text())
    executed = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "executemany", "copy")
        and node.args
    ]
    assert [type(one) for one in executed if not isinstance(one, ast.Constant | ast.Name)] == []


@pytest.mark.db
def test_sql_in_every_field_is_only_text(tmp_path: Path) -> None:
    hostile = "x'; drop table inbox; --\"'); delete from inbox; $1 %s ? :a"
    inbox = SqliteInbox(tmp_path / "inbox.db")
    item = InboxItem(1, hostile, True, hostile, hostile.encode())
    inbox.append([item, item])
    assert inbox.read(0, most_items=9, most_bytes=9999) == [(1, item), (2, item)]
    inbox.close()
