"""How the story is played, so that each role is at work when it is killed."""

import base64
import http.client
import json
import time
from contextlib import closing
from email import message_from_bytes
from urllib.parse import urlsplit

from tests.faults.points import CrashPoint
from tests.faults.stage import SETTLE_SECONDS, SOURCE, RunningRole, Stage, story


def scene_of(point: CrashPoint) -> str:
    """Which scene passes this point: named after the role."""
    return point.role


def play(stage: Stage, scene: str, *, crash_at: str, mutation: str = "", lease_seconds: float = 0.0) -> RunningRole:
    """Play the whole story with this scene's role armed; everything is settled and stopped when it returns. The armed role.

    In the scenes of web and visitor everything comes in by HTTP; otherwise requests are put into the inbox directly.
    """
    if scene == "web":
        armed = stage.start("web", crash_at=crash_at, mutation=mutation)
        stage.start("worker")
        stage.start("dispatcher")
        post_story(stage)
    else:
        armed = _play_inside(stage, scene, crash_at, mutation, lease_seconds)
    stage.settle()
    if stage.zygote.code(armed.pid) is not None:
        stage.revive()  # it died as the last thing that happened
        stage.settle()
    stage.stop()
    return armed


def _play_inside(stage: Stage, scene: str, crash_at: str, mutation: str, lease_seconds: float) -> RunningRole:
    armed = {role: crash_at if role == scene else "" for role in ("worker", "dispatcher")}
    mutated = {role: mutation if role == scene else "" for role in ("worker", "dispatcher")}
    running = {
        role: stage.start(role, crash_at=armed[role], mutation=mutated[role], lease_seconds=lease_seconds)
        for role in ("worker", "dispatcher")
    }
    requests = story()
    half = len(requests) // 2
    stage.append(requests[:half])
    if scene == "publisher":
        running[scene] = stage.start("publisher", crash_at=crash_at)
        while stage.zygote.wait(running[scene].pid, SETTLE_SECONDS) not in (None, 0):
            stage.revive()
    stage.settle()
    stage.append(requests[half:])
    if scene == "visitor":
        stage.settle()
        running[scene] = stage.start("web", crash_at=crash_at)
        unsubscribe(stage)
    return running[scene]


def post_story(stage: Stage) -> None:
    """Send everything as a client library does: again and again with the same ids, until the answer is yes."""
    for request in story():
        stage.sent |= {message["messageId"] for message in request}
        body = json.dumps({"batch": request}).encode()
        status = repeat_until_answered(
            stage, "/v1/batch", body, {"content-type": "application/json", **authorization(stage)}
        )
        assert status == 200
        stage.acknowledged |= {message["messageId"] for message in request}


def authorization(stage: Stage) -> dict[str, str]:
    """The header of the server key."""
    keys = json.loads((stage.data_dir / "write_keys.json").read_text())
    key = next(each["key"] for each in keys if each["source"] == SOURCE)
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def unsubscribe(stage: Stage) -> None:
    """A recipient of a marketing message uses its one-click link, until the answer is yes."""
    assert stage.sink is not None
    links = [link for message in stage.sink.committed if (link := message_from_bytes(message.data)["List-Unsubscribe"])]
    path = urlsplit(next(part.strip("<> ") for part in links[0].split(",") if "http" in part)).path
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert repeat_until_answered(stage, path, b"List-Unsubscribe=One-Click", headers) == 200


def repeat_until_answered(stage: Stage, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The first answer to this POST; the role is started again when it dies."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            return post(stage, path, body, headers)
        except (OSError, http.client.HTTPException):
            stage.revive()
            time.sleep(0.02)
    raise AssertionError(f"no answer from {path}\n{stage.log_of('web')}")


def post(stage: Stage, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of one POST. Raises OSError or HTTPException when there is no answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", stage.settings.port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
