"""Explanations in words, German and English: the same facts as the JSON, line by line. Conditions, events and outcomes are called as the pages
call them.
"""

import json
from collections.abc import Iterator
from typing import Any

from kundenkreis.channels.core.gate_texts import Language, reason_text
from kundenkreis.kernel.zones import Zone, iso
from kundenkreis.site.condition_words import reason_lines
from kundenkreis.site.event_words import event_word
from kundenkreis.site.journey_words import outcome_word
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.score_words import ledger_rule
from kundenkreis.site.verdict_words import basis_word, idle_consent_sentence
from kundenkreis.site.verdict_words import outcome_word as verdict_word
from kundenkreis.site.words import channel_word
from kundenkreis.site.words_alone import words_alone

_WORDS: dict[str, dict[Language, str]] = {
    "in": {"de": "Ja, im Segment {id} seit {since}.", "en": "Yes, in segment {id} since {since}."},
    "out": {"de": "Nein, nicht im Segment {id} (seit {since}).", "en": "No, not in segment {id} (since {since})."},
    "phase": {"de": "Phase {answer} seit {since}.", "en": "Phase {answer} since {since}."},
    "sub_state": {"de": "Zustand {sub_state} seit {sub_since}.", "en": "Sub-state {sub_state} since {sub_since}."},
    "score": {"de": "Stand: {answer}.", "en": "Score: {answer}."},
    "nobody": {"de": "Diese Person gab es dort noch nicht.", "en": "This person was not here yet."},
    "flips": {"de": "Ändert sich ohne ein Ereignis am {flips}.", "en": "Changes without an event on {flips}."},
    "stays": {"de": "Ändert sich nicht von selbst.", "en": "Does not change by itself."},
    "cause": {"de": "Ausschlag gab: {name} am {happened}.", "en": "Decided by: {name} on {happened}."},
    "time": {"de": "Ausschlag gab: die Zeit.", "en": "Decided by: time."},
    "came": {"de": "kam: {name}", "en": "entered: {name}"},
    "went": {"de": "ging: {name}", "en": "left: {name}"},
    "found": {"de": "gefunden", "en": "found"},
    "sent": {"de": "Ja, {id} wurde freigegeben.", "en": "Yes, {id} was released."},
    "not_handed_over": {"de": "Ja, {id} wurde freigegeben, aber nicht übergeben.", "en": "Yes, {id} was released, but not handed over."},
    "no_journey": {"de": "Keine Strecke, die in Kraft ist, verschickt diesen Inhalt.", "en": "No journey in force sends this content."},
    "not_sent": {"de": "Nein, {id} wurde nicht freigegeben.", "en": "No, {id} was not released."},
    "under_way": {"de": "Ja, in der Strecke {id}.", "en": "Yes, in the journey {id}."},
    "not_under_way": {"de": "Nein, nicht in der Strecke {id}.", "en": "No, not in the journey {id}."},
    "never": {"de": "Strecke {journey}: nie begonnen.", "en": "Journey {journey}: never entered."},
    "stands": {"de": "Steht im Schritt {step} seit {since}, bis {until}.", "en": "Stands in step {step} since {since}, until {until}."},
    "next": {"de": "Nächster Beginn: {next}.", "en": "Next entry: {next}."},
    "waiting_now": {"de": "Jetzt stünde dem Eintritt entgegen: {why}.", "en": "Against entering now: {why}."},
    "free": {"de": "Jetzt stünde dem Eintritt nichts entgegen; es fehlt der Anlass.", "en": "Nothing stands against entering now; the occasion is missing."},
    "version": {"de": "Regelwerk {rulebook}, Stand {at}.", "en": "Rulebook {rulebook}, as of {at}."},
}  # fmt: skip
_WENT_OUT = frozenset({"handed_over", "released"})
"""Fates of a message that is out, or on its way."""
_AN_INSTANT = 10**12
"""Larger whole numbers are instants in microseconds, not counts."""
_PATH: dict[str, dict[Language, str]] = {
    "until": {"de": "bis {0} ({1})", "en": "until {0} ({1})"},
    "first_of": {"de": "was zuerst kommt: {0}, {1}", "en": "what comes first: {0}, {1}"},
    "date": {"de": "Datum {0}", "en": "date {0}"},
    "schedule": {"de": "Zeitplan {0}", "en": "schedule {0}"},
    "event": {"de": "Ereignis {0}", "en": "event {0}"},
    "broadcast": {"de": "Mailing", "en": "broadcast"},
    "control": {"de": "durch einen Menschen", "en": "by a person"},
    "existing": {"de": "schon im Segment {0} bei Veröffentlichung {1}", "en": "already in segment {0} at publication {1}"},
    "bucket": {"de": "Los {0} von 10000 ({1})", "en": "bucket {0} of 10000 ({1})"},
    "condition": {"de": "Bedingung:", "en": "condition:"},
    "remainder": {"de": "alle übrigen", "en": "all others"},
    "message": {"de": "Nachricht {0}", "en": "message {0}"},
    "holdout": {"de": "Kontrollgruppe: {0}", "en": "control group: {0}"},
    "exit_step": {"de": "Ende der Strecke", "en": "end of the journey"},
    "step_budget": {"de": "{0} Schritte an einem Tag, weiter am {1}", "en": "{0} steps on one day, goes on {1}"},
    "date_missing": {"de": "{0} ist kein Datum", "en": "{0} is no date"},
    "unanswered": {"de": "ohne Antwort: {0}", "en": "unanswered: {0}"},
    "version_unknown": {"de": "Version {0} gibt es nicht mehr", "en": "version {0} is gone"},
}  # fmt: skip
"""First word of a reason -> what it says, with its details in order."""
REFUSALS: dict[str, dict[Language, str]] = {
    "condition": {"de": "eine Bedingung trifft nicht zu", "en": "a condition does not hold"},
    "once": {"de": "nur einmal je Person", "en": "only once per person"},
    "once_per_key": {"de": "nur einmal je Schlüssel", "en": "only once per key"},
    "cooldown": {"de": "die Pause seit dem letzten Mal läuft noch", "en": "the pause since the last time is not over"},
    "running": {"de": "ein Durchlauf ist im Gang", "en": "a run is under way"},
    "too_many_runs": {"de": "zu viele Durchläufe zugleich", "en": "too many runs at once"},
    "step_budget": {"de": "zu viele Schritte an diesem Tag", "en": "too many steps on that day"},
    "late": {"de": "das Ereignis kam zu spät an", "en": "the event arrived too late"},
    "publishing": {"de": "entstand durch eine Veröffentlichung", "en": "arose from publishing"},
    "not_published": {"de": "die Strecke war noch nicht veröffentlicht", "en": "the journey was not published yet"},
    "unknown": {"de": "unklar", "en": "unclear"},
}


def explain_in_words(answer: dict[str, Any], language: Language, clock: Zone) -> list[str]:
    """The answer for people."""
    with words_alone(language, zone=clock.name):
        lines = (
            list(_LINES[answer["kind"]](answer, language, clock))
            if answer["customer"]["exists"]
            else [_say("nobody", language)]
        )
    return [*lines, _say("version", language, **answer)]


def _tree(tree: Any, language: Language, depth: int = 0) -> Iterator[str]:
    """A Reason tree, one line per condition: + holds, - does not."""
    for line in reason_lines(tree) if isinstance(tree, dict) else ():
        found = f" ({_say('found', language)}: {line.found})" if line.found else ""
        yield f"{'  ' * (depth + line.depth)}{'+' if line.holds else '-'} {line.text}{found}"


def _say(word: str, language: Language, **facts: Any) -> str:
    return _WORDS[word][language].format(**{key: "?" if value is None else _day(value) for key, value in facts.items()})


def _day(value: Any) -> Any:
    """An instant without its microseconds; anything else as it is."""
    if isinstance(value, str) and len(value) == 27 and value.endswith("Z") and value[10] == "T":
        return f"{value[:10]} {value[11:19]} UTC"
    return value


def _compact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_compact(one)}" for key, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _decided(answer: dict[str, Any], language: Language) -> Iterator[str]:
    cause = answer.get("cause")
    if cause is not None and "name" in cause:
        yield _say("cause", language, name=event_word(cause["name"] or cause["type"]), happened=cause["happened"])
    elif answer["since"] is not None:
        yield _say("time", language)


def _segment(answer: dict[str, Any], language: Language, _clock: Zone) -> Iterator[str]:
    yield _say("in" if answer["answer"] else "out", language, id=answer["id"], since=answer["since"])
    yield from _decided(answer, language)
    yield _say("flips", language, flips=answer["flips"]) if answer["flips"] else _say("stays", language)
    yield from _tree(answer["reason"], language)


def _phase(answer: dict[str, Any], language: Language, _clock: Zone) -> Iterator[str]:
    words = {"phase": phase_word, "sub_state": sub_state_word}
    yield _say("phase", language, answer=phase_word(answer["answer"] or "?"), since=answer["since"])
    if answer["sub_state"]:
        yield _say("sub_state", language, sub_state=sub_state_word(answer["sub_state"]), sub_since=answer["sub_since"])
    yield from _decided(answer, language)
    yield _say("flips", language, flips=answer["flips"]) if answer["flips"] else _say("stays", language)
    yield from _tree(answer["reason"], language)
    yield from _tree(answer["sub_reason"], language)
    for change in answer["history"]:
        name = words.get(change["kind"], str)(change["id"])
        told = _say("came" if change["entered"] else "went", language, name=name)
        because = event_word(change["event"]["name"]) if change["event"] and change["event"].get("name") else ""
        yield f"{_day(change['at'])} {told}{f' ({because})' if because else ''}"


def _score(answer: dict[str, Any], language: Language, _clock: Zone) -> Iterator[str]:
    yield _say("score", language, answer=answer["answer"])
    for entry in answer["ledger"]:
        rule = ledger_rule(answer["rules"], entry["rule"], (entry["event"] or {}).get("name", ""))
        yield f"{_day(entry['at'])} {entry['milli_points'] / 1000:+g} = {entry['balance'] / 1000:g} ({rule})"


def _message(answer: dict[str, Any], language: Language, clock: Zone) -> Iterator[str]:
    is_out = any(message["fate"] in _WENT_OUT for message in answer["messages"])
    yield _say(
        "not_sent" if not answer["answer"] else "sent" if is_out else "not_handed_over", language, id=answer["id"]
    )
    for message in answer["messages"]:
        channel, fate = channel_word(message["channel"]), verdict_word(message["fate"])
        yield f"{message['message_id']} {message['content']} ({channel}): {fate}"
        for verdict in message["verdicts"]:
            yield f"  {_day(verdict['at'])} {verdict_word(verdict['outcome'])}"
            for reason in verdict["reasons"]:
                yield f"    {'+' if reason[1] else '-'} {_reason(reason, language, clock)}"
        for told in message["told"]:
            yield f"  {_day(told['at'])} {event_word(told['name'])}"
    for consent in answer.get("idle_consents", ()):
        yield f"{_day(consent['at'])} {event_word('Consent Confirmed')}: {idle_consent_sentence(consent['why'])}"
    if answer.get("why_not") == []:
        yield _say("no_journey", language)
    for why in answer.get("why_not", ()):
        yield from _why_not(why, language)


def _reason(reason: list[Any], language: Language, clock: Zone) -> str:
    """A reason in words; of what passed the finding too, such as which legal basis it was."""
    told = [basis_word(one) for one in reason[2:]] if reason[0] == "basis" else [str(one) for one in reason[2:]]
    found = ", ".join(told) if reason[1] else ""
    return reason_text(reason, language=language, clock=clock) + (f": {found}" if found else "")


def _journey(answer: dict[str, Any], language: Language, _clock: Zone) -> Iterator[str]:
    yield _say("under_way" if answer["answer"] else "not_under_way", language, id=answer["id"])
    yield from _runs(answer["runs"], language)
    if "why_not" in answer:
        yield from _why_not(answer["why_not"], language, ever=bool(answer["runs"]))


def _runs(runs: list[dict[str, Any]], language: Language) -> Iterator[str]:
    for run in runs:
        yield f"{run['run_id']} v{run['version']} {run['entry_key']}".rstrip()
        for step in run["path"]:
            reason = step["reason"]
            told = path_text(reason, language)
            yield f"  {_day(step['at'])} {step['step'] or '-'}: {outcome_word(step['outcome'])}{f' ({told})' if told else ''}"
            if len(reason) == 2 and isinstance(reason[1], dict):
                yield from _tree(reason[1], language, 2)
        if run["stands"] is not None:
            yield "  " + _say("stands", language, **run["stands"])


def path_text(reason: list[Any], language: Language) -> str:
    """Why a run went this way (the words of `journeys/core/walk.py`); for a condition its tree follows in lines of its own."""
    if not reason:
        return ""
    word, *details = reason
    if word in ("until", "first_of", "date", "schedule", "step_budget"):
        details = [_day(iso(one)) if isinstance(one, int) and one > _AN_INSTANT else one for one in details]
    said = _PATH.get(word, {}).get(language)
    if word == "event" and details:
        details[0] = event_word(details[0])
    listed = [", ".join(map(str, one)) if isinstance(one, list) else one for one in details]
    shown = [_compact(one) for one in listed if not isinstance(one, dict)]
    if said is None:  # an event: its name, and not its id
        return event_word(str(word))
    return said.format(*shown, *[""] * 3).rstrip(" :")


def _why_not(why: dict[str, Any], language: Language, *, ever: bool = False) -> Iterator[str]:
    runs = why.get("runs", [])
    if not runs and not ever:
        yield _say("never", language, journey=why["journey"])
    yield from _runs(runs, language)
    if why["refusal"]:
        yield _say("waiting_now", language, why=REFUSALS[why["refusal"]][language])
    else:
        yield _say("free", language)
    for tree in [*why["conditions"], why.get("segment", {}).get("reason")]:
        yield from _tree(tree, language, 1)
    if why.get("next"):
        yield _say("next", language, next=why["next"])
    for attempt in why["attempts"]:
        told = "+" if attempt["entered"] else "- " + REFUSALS[attempt["refusal"]][language]
        yield f"  {_day(attempt['at'])} {event_word(attempt['event']['name'])}: {told}"
        for tree in attempt.get("conditions", ()):
            yield from _tree(tree, language, 2)


_LINES = {"segment": _segment, "phase": _phase, "score": _score, "message": _message, "journey": _journey}
