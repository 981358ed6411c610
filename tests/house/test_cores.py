"""Cores are pure: they import without Django and the stores, and hold nothing that reads clock, chance or the world.

import-linter (`make check`) holds the same for direct and indirect imports; this test also sees calls.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

PACKAGE = Path(__file__).parents[2] / "src" / "kundenkreis"
PURE_FOLDERS = ("kernel", "core", "conditions", "steps", "engine")

BANNED_MODULES = frozenset(
    """django pysqlite3 sqlite3 psycopg os pathlib shutil tempfile subprocess socket ssl http smtplib urllib.request
    time random secrets asyncio threading multiprocessing logging""".split()
)
BANNED_CALLS = frozenset(
    "datetime.now datetime.utcnow datetime.today date.today uuid.uuid1 uuid.uuid4 open input print eval exec __import__".split()
)

_IMPORT_WITHOUT = """
import importlib, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "psycopg", "pysqlite3", "sqlite3", "uvicorn", "a2wsgi", "rich"}:
            raise ImportError(name + " is not there for a core")
sys.meta_path.insert(0, Refuse())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def pure_files() -> list[Path]:
    return sorted(
        path for path in PACKAGE.rglob("*.py") if set(path.relative_to(PACKAGE).parent.parts) & set(PURE_FOLDERS)
    )


def impurities(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in BANNED_CALLS:
            found.append(f"line {node.lineno}: {ast.unparse(node.func)}()")
        for name in names:
            if name in BANNED_MODULES or name.split(".")[0] in BANNED_MODULES:
                found.append(f"line {node.lineno}: import {name}")
                break
    return found


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_core_is_pure(path: Path) -> None:
    assert impurities(ast.parse(path.read_text(encoding="utf-8"))) == []


def test_impurities_are_seen() -> None:
    text = "import os\nfrom datetime import datetime\nfrom urllib import request\ndatetime.now()\nopen('x')\n"
    assert impurities(ast.parse(text)) == [
        "line 1: import os",
        "line 3: import urllib.request",
        "line 4: datetime.now()",
        "line 5: open()",
    ]


def test_every_core_imports_without_django() -> None:
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in pure_files()
    ]
    assert "kundenkreis.kernel.zones" in modules
    assert "kundenkreis.engine" in modules
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_WITHOUT, *modules], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
