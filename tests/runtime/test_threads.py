"""What several threads of one process ask at the same time."""

import sys
import threading
from pathlib import Path

import msgspec
import pytest

from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.struct_types import make_struct_types_ready
from kundenkreis.runtime.rulebooks import Rulebooks
from tests.runtime.town import Town

pytestmark = pytest.mark.db


def test_a_rulebook_is_compiled_once_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten dispatchers compiled the same one at once after a start, and msgspec ended the process."""
    town = Town(tmp_path)
    rulebooks = Rulebooks(town.installation.store, zone=town.installation.zone)
    compiled: list[int] = []
    compile_one = Rulebooks._compile
    everybody = threading.Barrier(10)

    def counted(self: Rulebooks, version: int) -> Rulebook:
        compiled.append(version)
        return compile_one(self, version)

    found: list[Rulebook] = []

    def ask() -> None:
        everybody.wait()
        found.append(rulebooks(1))

    monkeypatch.setattr(Rulebooks, "_compile", counted)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert (compiled, len({id(one) for one in found}), len(found)) == ([1], 1, 10)
    town.close()


def test_all_structs_are_made_ready() -> None:
    class Fresh(msgspec.Struct):
        number: int

    count = make_struct_types_ready()
    assert count > 100
    assert msgspec.convert({"number": 1}, Fresh) == Fresh(1)
