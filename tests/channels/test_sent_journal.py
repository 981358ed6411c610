"""The journal's file: lines are durable, whole or told as missing, whatever a crash or a disk did to them."""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kundenkreis.channels import sent_journal
from kundenkreis.channels.core.journal_lines import Receipt, journal_line, read_line, reply_of
from kundenkreis.channels.core.outcomes import Reply, Sent
from kundenkreis.channels.errors import SentJournalError
from kundenkreis.channels.sent_journal import ROOM_BYTES, Missing, SentJournal, open_journal
from kundenkreis.channels.testing import no_point

pytestmark = pytest.mark.db

NOW = 1_795_255_200_000_000


def receipt(number: int) -> Receipt:
    return Receipt(number.to_bytes(16, "big"), NOW + number, f"250 2.0.0 q{number}")


def opened(folder: Path) -> SentJournal:
    journal = open_journal(folder / "sent.journal", point=no_point)
    assert journal is not None
    journal.make_ready()
    return journal


def filled(folder: Path, count: int) -> SentJournal:
    journal = opened(folder)
    assert [journal.append(receipt(number)) for number in range(1, count + 1)] == list(range(1, count + 1))
    return journal


def told(journal: SentJournal, after: int = 0) -> list[int | str]:
    """Numbers of the lines, and "n missing" between them; each line is what was written under its number."""
    found: list[int | str] = []
    for one in journal.lines(after):
        if isinstance(one, Missing):
            found.append(f"{one.count} missing")
        else:
            assert one[1] == receipt(one[0])
            found.append(one[0])
    return found


def change(folder: Path, number: int, new: bytes) -> None:
    """Overwrite the beginning of one line."""
    path = folder / "sent.journal"
    line = journal_line(number, receipt(number))
    path.write_bytes(path.read_bytes().replace(line, new + line[len(new) :], 1))


def test_a_line_is_read_as_it_was_written_and_not_otherwise() -> None:
    line = journal_line(17, receipt(17))
    assert line.startswith(b"17 1795255200000017 00000000000000000000000000000011 250 2.0.0 q17 ")
    assert read_line(line) == (17, receipt(17))
    changed = [line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :] for at in range(len(line) - 1)]
    assert {read_line(one) for one in changed} == {None}
    assert {read_line(line[:end]) for end in range(len(line) - 1)} == {None}


def test_what_a_server_said_is_kept_without_its_sentences() -> None:
    said = Reply("dot", 250, "2.0.0", "Ok anna@example.org: queued as 4XyZ1")
    assert reply_of(Sent(said, "4XyZ1")) == "250 2.0.0 4XyZ1"
    assert reply_of(Sent(said, "anna@example.org")) == "250 2.0.0"
    assert reply_of(Sent(said, "x y")) == "250 2.0.0"
    assert reply_of(Sent()) == "-"


def test_lines_are_there_after_the_journal_is_opened_again(tmp_path: Path) -> None:
    journal = filled(tmp_path, 3)
    name = journal.id
    journal.close()
    again = opened(tmp_path)
    assert (again.id, again.last, told(again), told(again, 2), told(again, 3)) == (name, 3, [1, 2, 3], [3], [])
    assert again.append(receipt(4)) == 4
    assert told(again) == [1, 2, 3, 4]
    assert (tmp_path / "sent.journal").stat().st_mode & 0o077 == 0
    again.close()


def test_one_process_has_a_journal_at_a_time(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    assert open_journal(tmp_path / "sent.journal", point=no_point) is None
    journal.close()
    opened(tmp_path).close()


@pytest.mark.parametrize("left", [1, 20, -1])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, left: int) -> None:
    filled(tmp_path, 3).close()
    line = journal_line(3, receipt(3))
    change(tmp_path, 3, line[:left] + b"\n" * (len(line) - len(line[:left])))
    journal = opened(tmp_path)
    # Without its end of line it is whole all the same.
    assert told(journal) == ([1, 2, 3] if left == -1 else [1, 2])
    assert journal.append(receipt(journal.last + 1)) == journal.last
    assert told(journal) == ([1, 2, 3, 4] if left == -1 else [1, 2, 3])
    journal.close()


@pytest.mark.parametrize("torn", [0, 10, -1])
def test_a_file_that_ends_in_the_middle_of_a_line_goes_on_behind_the_last_whole_one(tmp_path: Path, torn: int) -> None:
    filled(tmp_path, 3).close()
    path = tmp_path / "sent.journal"
    data = path.read_bytes().rstrip(b"\n") + b"\n"
    line = journal_line(3, receipt(3))
    path.write_bytes(data[: len(data) - len(line)] + line[:torn] if torn >= 0 else data[:-1])
    journal = opened(tmp_path)
    assert journal.last == (3 if torn == -1 else 2)
    journal.append(receipt(journal.last + 1))
    assert told(journal) == list(range(1, journal.last + 1))
    journal.close()


def test_a_damaged_line_in_the_middle_is_told(tmp_path: Path) -> None:
    filled(tmp_path, 5).close()
    change(tmp_path, 2, b"9")
    change(tmp_path, 3, b"\xff\0\n")
    journal = opened(tmp_path)
    assert told(journal) == [1, "2 missing", 4, 5]
    assert told(journal, 3) == [4, 5]
    journal.close()


def test_damaged_lines_before_a_torn_one_keep_their_numbers(tmp_path: Path) -> None:
    filled(tmp_path, 5).close()
    for number in (4, 5):
        change(tmp_path, number, b"x")
    journal = opened(tmp_path)
    assert journal.append(receipt(5)) == 5
    assert told(journal) == [1, 2, 3, "1 missing", 5]
    journal.close()


def test_numbers_that_the_database_knows_are_not_given_again(tmp_path: Path) -> None:
    journal = filled(tmp_path, 2)
    journal.continue_after(7)
    assert journal.append(receipt(8)) == 8
    assert told(journal) == [1, 2, "5 missing", 8]
    journal.close()


def test_the_end_of_a_long_journal_is_found_without_reading_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_journal, "_BLOCK", 8192)
    journal = filled(tmp_path, 2000)
    assert [told(journal, after)[0] for after in (0, 1, 777, 1500, 1998, 1999)] == [1, 2, 778, 1501, 1999, 2000]
    assert told(journal, 1990) == list(range(1991, 2001))
    journal.close()


def test_what_has_had_its_time_is_dropped(tmp_path: Path) -> None:
    journal = filled(tmp_path, 10)
    name = journal.id
    assert journal.cut(NOW + 7) == 6
    assert told(journal) == [7, 8, 9, 10]
    journal.make_ready()
    assert journal.append(receipt(11)) == 11
    assert open_journal(tmp_path / "sent.journal", point=no_point) is None
    journal.close()
    again = opened(tmp_path)
    assert (again.id, again.first, told(again)) == (name, 7, [7, 8, 9, 10, 11])
    assert again.cut(NOW) == 0
    assert again.cut(NOW + 100) == 5
    assert (told(again), again.last) == ([], 11)
    again.close()
    last = opened(tmp_path)
    assert last.append(receipt(12)) == 12
    last.close()


def test_threads_share_the_way_to_the_disk(tmp_path: Path) -> None:
    flushes: list[str] = []
    path = tmp_path / "sent.journal"
    journal = open_journal(path, point=flushes.append)
    assert journal is not None
    journal.make_ready()

    def work(first: int) -> None:
        for number in range(first, first + 50):
            journal.append(receipt(number))

    threads = [threading.Thread(target=work, args=(first,)) for first in (1, 101, 201, 301)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [one for one in journal.lines(0) if not isinstance(one, Missing)]
    assert [number for number, _ in found] == list(range(1, 201))
    given = {int.from_bytes(one.effect_id, "big") for _, one in found}
    assert given == {number for first in (1, 101, 201, 301) for number in range(first, first + 50)}
    assert flushes.count("journal.after_fsync") <= 200
    journal.close()


@contextmanager
def full_disk(most_bytes: int) -> Iterator[None]:
    """No file grows beyond this size meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_noticed_while_there_is_room_for_what_is_in_the_air(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    number = 0
    with full_disk(ROOM_BYTES + 200):
        with pytest.raises(SentJournalError):
            while True:
                journal.make_ready()
                number = journal.append(receipt(number + 1))
        for _ in range(100):
            number = journal.append(receipt(number + 1))
        with pytest.raises(SentJournalError):
            journal.make_ready()
    journal.make_ready()
    assert journal.append(receipt(number + 1)) == number + 1
    assert told(journal) == list(range(1, number + 2))
    journal.close()


def test_a_line_that_could_not_be_written_is_written_before_anything_else_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "sent.journal"
    broken = []

    def point(name: str) -> None:
        if broken and name == "journal.before_fsync":
            raise OSError(5, "Input/output error")

    journal = open_journal(path, point=point)
    assert journal is not None
    journal.make_ready()
    journal.append(receipt(1))
    broken.append(True)
    for number in (2, 3):
        with pytest.raises(SentJournalError):
            journal.append(receipt(number))
        with pytest.raises(SentJournalError):
            journal.make_ready()
    broken.clear()
    journal.make_ready()
    assert told(journal) == [1, 2, 3]
    assert journal.append(receipt(4)) == 4
    assert told(journal) == [1, 2, 3, 4]
    journal.close()


def test_another_file_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "sent.journal"
    path.write_bytes(b"something else\n")
    with pytest.raises(SentJournalError):
        open_journal(path, point=no_point)
    path.unlink()
    os.mkdir(path)
    with pytest.raises(SentJournalError):
        open_journal(path, point=no_point)
