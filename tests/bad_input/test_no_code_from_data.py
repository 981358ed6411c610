"""Nothing in the whole package can turn data into code (A5, A8): no pickle, no unsafe YAML, no eval, no exec."""

import ast
from pathlib import Path

import pytest

import kundenkreis

pytestmark = pytest.mark.pure

ROOT = Path(kundenkreis.__path__[0])
BANNED_MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"} | {
    "jsonpickle", "code", "codeop", "jinja2", "mako", "xmlrpc",
}  # fmt: skip
BANNED_CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load", "unsafe_load_all", "full_load_all"} | {
    "Loader", "FullLoader", "UnsafeLoader", "CLoader",
}  # fmt: skip
SHELLS = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}


def offences(source: str) -> list[str]:
    """What a module does that could run data."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"imports {name}" for name in names if name.partition(".")[0] in BANNED_MODULES]
            if isinstance(node, ast.ImportFrom) and node.module == "yaml":
                found += [f"takes yaml.{alias.name}" for alias in node.names if alias.name in UNSAFE_YAML]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            found.append(f"calls {node.func.id}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "yaml" and node.attr in UNSAFE_YAML:
                found.append(f"uses yaml.{node.attr}")
            if (node.value.id, node.attr) in SHELLS:
                found.append(f"uses {node.value.id}.{node.attr}")
        elif isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", False):
            found.append("runs a shell")
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_way_from_data_to_code(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


def test_ways_are_seen() -> None:
    text = "import pickle\nfrom yaml import load\nimport yaml\nyaml.unsafe_load(x)\neval(x)\nimport os\nos.system(x)\nrun(x, shell=True)\n"
    assert sorted(offences(text)) == [
        "calls eval", "imports pickle", "runs a shell", "takes yaml.load", "uses os.system", "uses yaml.unsafe_load",
    ]  # fmt: skip
