"""The other side, asked with `kreis explain`: now and at any past instant. The only file here that knows the package.

Answers come in the shapes of `stored.py`, so that both can be compared with the same questions.
"""

from datetime import datetime, timedelta
from pathlib import Path

from tests.oracle.local_time import EPOCH
from tests.oracle.permission import NEVER


class Explained:
    """An installation that explains itself."""

    def __init__(self, data):
        from kundenkreis.runtime.explain import Explainer
        from kundenkreis.runtime.installation import Installation
        from kundenkreis.settings import Settings

        self._explainer = Explainer
        self._installation = Installation(Settings(data_dir=Path(data)))

    def close(self):
        """Let go of the installation."""
        self._installation.close()

    def at(self, profile_id, at_us):
        """One customer at one instant."""
        moment = (EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds")
        return ExplainedCustomer(self._explainer(self._installation, str(profile_id), at=moment))


class ExplainedCustomer:
    """What is explained about somebody at an instant."""

    def __init__(self, explainer):
        self._explainer = explainer

    def segment(self, name):
        """(inside, {from_us: until_us})."""
        answer = self._explainer.ask("segment", name)
        return answer["answer"], _intervals(answer["history"]).get(("segment", name), {})

    def place(self):
        """((phase, sub-state), situations that stand open, intervals of phases and sub-states)."""
        answer = self._explainer.ask("phase")
        return (answer["answer"], answer["sub_state"]), sorted(answer["situations"]), _intervals(answer["history"])

    def score(self, name):
        """(thousandths of points, ledger)."""
        answer = self._explainer.ask("score", name)
        lines = [
            (_us(one["at"]), one["rule"], bytes.fromhex(one["event"]["event_id"]), one["milli_points"], one["balance"])
            for one in answer["ledger"]
        ]
        return answer["milli_points"], sorted(lines)

    def content(self, name):
        """({effect id: [(at_us, outcome, rule, due_us)]}, {journey: why it would let nobody in} where there is no message)."""
        answer = self._explainer.ask("message", name)
        messages = {
            bytes.fromhex(one["message_id"]): [
                (_us(said["at"]), said["outcome"], said["reasons"][0][0], _us(said["due"])) for said in one["verdicts"]
            ]
            for one in answer["messages"]
        }
        return messages, {one["journey"]: one["refusal"] for one in answer.get("why_not", ())}

    def journey(self, name):
        """{run id: [(step, outcome, at_us)]}."""
        answer = self._explainer.ask("journey", name)
        return {
            bytes.fromhex(run["run_id"]): [(one["step"], one["outcome"], _us(one["at"])) for one in run["path"]]
            for run in answer["runs"]
        }


def _us(text):
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def _intervals(history):
    found, standing = {}, {}
    for change in history:
        thing, at_us = (change["kind"], change["id"]), _us(change["at"])
        if change["entered"]:
            standing[thing] = at_us
            found.setdefault(thing, {})[at_us] = NEVER
        else:
            found[thing][standing.pop(thing)] = at_us
    return found
