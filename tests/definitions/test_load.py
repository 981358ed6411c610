"""Loading a directory: what comes out, and what is said about what cannot be read at all."""

import os
from pathlib import Path

import pytest

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.errors import DefinitionError
from kundenkreis.definitions.load import load_directory, load_files, path_of
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.journeys.core.definitions import JourneyDefinition
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.definitions import SegmentDefinition
from tests.definitions.samples import accepted, good, good_with

pytestmark = pytest.mark.pure


def refused(loaded: object) -> list[DefinitionError]:
    """The mistakes."""
    assert isinstance(loaded, list)
    return loaded


def said(loaded: object) -> list[str]:
    """Mistakes as code and place."""
    return [f"{each.code} {each.place}" for each in refused(loaded)]


def test_good_files_give_typed_definitions_in_the_order_of_kinds() -> None:
    definitions = good()
    assert [each.key for each in definitions] == [
        "brand:default",
        "trait:web_orders",
        "segment:everything",
        "segment:regulars",
        "score:activity",
        "phases",
        "situation:complaint",
        "content:welcome_hello",
        "journey:birthday",
        "journey:thursday_letter",
        "journey:welcome",
        "policy",
    ]
    assert definitions.notes == ()
    regulars, welcome = definitions.of("segment")["regulars"], definitions.of("journey")["welcome"]
    assert isinstance(regulars.config, SegmentDefinition)
    assert isinstance(welcome.config, JourneyDefinition)
    assert regulars.config.when == {"event": {"name": "Order Completed", "count": {"at_least": 3}, "within_days": 90}}


def test_definitions_know_what_they_name() -> None:
    names = {(each.to, each.name) for each in good().of("journey")["thursday_letter"].references}
    assert names == {
        ("segment", "regulars"),
        ("content", "welcome_hello"),
        ("channel", "email"),
        ("purpose", "newsletter"),
    }


def test_a_directory_without_any_definition_is_refused(tmp_path: Path) -> None:
    """Applied as it stands, it would take everything back that is published."""
    (tmp_path / "a.yaml").write_text("# nothing yet\n---\n")
    assert said(load_directory(tmp_path)) == [f"no_definition {tmp_path}/a.yaml"]
    (tmp_path / "b.yaml").write_text("kind: segment\nid: everybody\nname: {de: Alle, en: All}\nwhen: {all: []}\n")
    assert [each.key for each in accepted(load_directory(tmp_path))] == ["segment:everybody"]


def test_files_and_folders_make_no_difference() -> None:
    files = sorted((Path(__file__).parent / "good").rglob("*.yaml"))
    together = b"\n---\n".join(file.read_bytes() for file in reversed(files))
    assert accepted(load_files([("all.yaml", together)])) == good()


def test_byte_order_mark_is_accepted() -> None:
    text = "\ufeffkind: segment\nid: late\nname: {de: Spät}\nwhen: {all: []}\n"
    assert "segment:late" in [each.key for each in accepted(good_with(text))]


def test_files_that_are_not_utf8_are_refused() -> None:
    assert said(load_files([("a.yaml", b"kind: segment\nid: sp\xe4t\n")])) == ["not_utf8 a.yaml:2:7"]


def test_files_too_large_and_nested_too_deep_are_refused() -> None:
    deep = b"kind: segment\nid: deep\nname: {}\nwhen: " + b"{not: " * 300 + b"{all: []}" + b"}" * 300
    said_about = said(load_files([("deep.yaml", deep), ("large.yaml", b" " * 5_000_000)]))
    assert said_about == ["too_deep deep.yaml:4:385", "file_too_large large.yaml"]


def test_a_condition_deeper_than_compilers_go_is_refused() -> None:
    text = "kind: segment\nid: deep\nname: {de: Tief}\nwhen: " + "{not: " * 60 + "{all: []}" + "}" * 60
    loaded = good_with(text)
    assert isinstance(loaded, Definitions) or {each.place.file for each in loaded} == {"more.yaml"}


def test_missing_and_empty_directories_are_named(tmp_path: Path) -> None:
    assert said(load_directory(tmp_path / "none")) == [f"no_directory {tmp_path / 'none'}"]
    assert said(load_directory(tmp_path)) == [f"no_files {tmp_path}"]
    (tmp_path / "a.yaml").touch()
    (mistake,) = refused(load_directory(tmp_path / "a.yaml"))
    assert (mistake.code, mistake.what) == ("no_directory", "this is no directory")


def test_what_looks_like_a_file_and_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Passed over, it would take back what was published from it."""
    segment = "kind: segment\nid: {0}\nname: {{de: A}}\nwhen: {{all: []}}\n"
    (tmp_path / "a.yaml").write_text(segment.format("a"))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "B.YAML").write_text(segment.format("b"))
    assert [each.key for each in accepted(load_directory(tmp_path))] == ["segment:a", "segment:b"]
    (tmp_path / "lost.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert said(load_directory(tmp_path)) == [f"unreadable {tmp_path}/lost.yaml", f"unreadable {tmp_path}/pipe.yaml"]


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "broken.yaml").write_text("[")
    (tmp_path / ".half.yaml").write_text("[")
    (tmp_path / "a.yml").write_text("kind: segment\nid: a\nname: {de: A}\nwhen: {all: []}\n")
    assert [each.key for each in accepted(load_directory(tmp_path))] == ["segment:a"]


def test_mistakes_of_all_files_come_together_in_order() -> None:
    files = [("b.yaml", b"kind: sement\n"), ("a.yaml", b"kind: segment\nid: a\nwehn: {}\n---\nx: [\n")]
    assert said(load_files(files)) == ["unknown_key a.yaml:3:1", "yaml a.yaml:6:1", "unknown_kind b.yaml:1:7"]


def test_the_same_kind_without_id_twice_is_refused() -> None:
    assert said(good_with("kind: policy\n")) == ["duplicate_definition more.yaml:1:7"]


def test_event_names_close_to_known_ones_are_noted_but_accepted() -> None:
    text = "kind: segment\nid: late\nname: {de: Spät}\nwhen: {event: {name: Order Complete}}\n"
    (note,) = accepted(good_with(text)).notes
    assert str(note) == (
        "more.yaml:4:22: the event `Order Complete` is not in the catalogue\n"
        "    Did you mean `Order Completed`? Otherwise leave it as it is"
    )


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("kind: score\nid: mood\nname: {de: Laune}\nmaximum: 50\nthresholds: [10, 60]\nrules: []\n",
         "more.yaml:5:18: the score never crosses 60\n    Possible are points above 0 and up to 50"),
        ("kind: score\nid: mood\nname: {de: Laune}\nthresholds: [0]\nrules: []\n",
         "more.yaml:4:14: the score never crosses 0\n    Possible are points above 0"),
        ("kind: journey\nid: mark\nname: {de: Merken}\nentry: {event: {name: Form Submitted}}\nre_entry: once\n"
         "steps:\n  - {id: a, set_attribute: {name: consent, value: true}}\n",
         "more.yaml:7:35: the attribute `consent` cannot be set\n"
         "    Choose another name: letters, digits and _ . $ -, and none of consent, suppression or our own; "
         "what is set here is passed over"),
        ("kind: journey\nid: text\nname: {de: SMS}\nentry: {event: {name: Form Submitted}}\nre_entry: once\nsteps:\n"
         "  - {id: a, message: {content: welcome_hello, channel: sms, purpose: newsletter}}\n",
         "more.yaml:7:56: nothing here sends by `sms`\n    Its messages will fail; what sends is email, and channels installed beside it"),
        ("kind: content\nid: copied\nname: {de: Kopie}\nmessage_class: marketing\nvalue: {de: Nutzen}\ncall_to_action: read\nvariants:\n"
         "  de: {subject: 'Hallo *|FNAME|*', blocks: [{text: Guten Tag}]}\n",
         "more.yaml:8:17: `*|FNAME|*` is sent as it stands\n    Values of the person are written like {{ customer.first_name }}"),
        ("kind: content\nid: copied\nname: {de: Kopie}\nmessage_class: marketing\nvalue: {de: Nutzen}\ncall_to_action: read\nvariants:\n"
         "  de:\n    subject: Hallo\n    blocks:\n      - text: |-\n          Guten Tag,\n          liebe {vorname}\n",
         "more.yaml:13:11: `{vorname}` is sent as it stands\n    Values of the person are written like {{ customer.first_name }}"),
    ],
)  # fmt: skip
def test_what_nothing_can_come_of_is_noted_but_accepted(text: str, note: str) -> None:
    assert [str(each) for each in accepted(good_with(text)).notes] == [note]


@pytest.mark.parametrize(
    ("entry", "other", "step", "place"),
    [
        ('"*"', "", "wait: {days: 1}", "4:23"),
        ("Form Submitted", 'goal: {event: {name: "*"}}', "wait: {days: 1}", "6:22"),
        ("Form Submitted", 'exit_when: {event: {name: ["*"]}}', "wait: {days: 1}", "6:27"),
        ("Form Submitted", "", 'wait_for: {any: [{id: b, event: {name: "*"}}], timeout: {days: 1}}', "8:52"),
    ],
)
def test_a_journey_that_waits_for_every_event_gets_a_note(entry: str, other: str, step: str, place: str) -> None:
    text = f"kind: journey\nid: hear\nname: {{de: Hören}}\nentry: {{event: {{name: {entry}}}}}\nre_entry: once\n{other}\nsteps:\n  - {{id: a, {step}}}\n"
    (note,) = accepted(good_with(text)).notes
    assert str(note).startswith(f"more.yaml:{place}: no event is called `*`\n    Name the event")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('kind: score\nid: mood\nname: {de: Laune}\nrules:\n  - {id: a, event: {name: "*"}, points: 1}\n', "5:27"),
        ('kind: situation\nid: row\nname: {de: Streit}\nbegins: {name: "*"}\nends: [{name: Case Solved}]\n', "4:16"),
        ('kind: situation\nid: row\nname: {de: Streit}\nbegins: [{name: ["*"]}]\nends: [{name: Case Solved}]\n', "4:17"),
        ('kind: situation\nid: row\nname: {de: Streit}\nbegins: {name: Case Opened}\nends: [{name: "*"}]\n', "5:15"),
    ],
)  # fmt: skip
def test_a_score_or_situation_of_every_event_gets_a_note(text: str, place: str) -> None:
    (note,) = accepted(good_with(text)).notes
    assert str(note).startswith(f"more.yaml:{place}: no event is called `*`\n    Name the event")


def test_an_event_without_a_name_is_refused() -> None:
    for name in ('""', '" "'):
        text = f"kind: segment\nid: late\nname: {{de: Spät}}\nwhen: {{event: {{name: {name}}}}}\n"
        assert [str(each) for each in refused(good_with(text))] == [
            "more.yaml:4:22: the event has no name\n    Name the event"
        ]


def test_events_that_journeys_emit_are_known() -> None:
    text = "kind: segment\nid: done\nname: {de: Fertig}\nwhen: {event: {name: Welcome Finished}}\n"
    assert accepted(good_with(text)).notes == ()


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("Expected `int`, got `str` - at `$.rules[1].points`", ("rules", 1, "points")),
        ("Expected `int`, got `str` - at `$.rules[9].points`", ("rules",)),
        ("Expected `int`, got `str` - at `$.gone.points`", ()),
        ("Object missing required field `id`", ()),
    ],
)
def test_paths_of_converter_messages_are_followed_as_far_as_they_exist(message: str, path: tuple[object, ...]) -> None:
    assert path_of(message, {"rules": [{}, {"points": "1"}]}) == path


def test_the_next_event_may_end_a_run_by_its_key() -> None:
    event = "{name: [Case Opened, Return Requested], where: [{property: kind, op: not_equals, value: praise}], key: about_order}"
    text = (
        "kind: journey\nid: order_help\nname: {de: Hilfe, en: Help}\nentry: {event: {name: Order Delivered}, key: order_id}\n"
        f"exit_when: {{event: {event}}}\nsteps: [{{id: pause, wait: {{days: 10}}}}]\n"
    )
    definitions = accepted(good_with(text))
    journey = definitions.of("journey")["order_help"]
    assert [(each.to, each.name) for each in journey.references if each.path[0] == "exit_when"] == [
        ("event", "Case Opened"),
        ("event", "Return Requested"),
        ("operator", "not_equals"),
    ]
    leave = compile_rulebook([definitions.documents()], zone=Zone("UTC")).journeys.current["order_help"].exit_when
    assert leave is not None and leave.trigger is not None
    assert (leave.trigger.names, leave.trigger.key) == (("Case Opened", "Return Requested"), "about_order")


def test_a_folder_that_cannot_be_read_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its definitions would have been taken back."""
    (tmp_path / "journeys").mkdir()
    (tmp_path / "brand.yaml").write_text("kind: brand\n")
    scan = os.scandir

    def scandir(folder: str) -> object:
        if str(folder).endswith("journeys"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    (mistake,) = refused(load_directory(tmp_path))
    assert (mistake.code, mistake.place.file) == ("unreadable", str(tmp_path / "journeys"))
