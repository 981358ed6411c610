"""What is installed beside Kundenkreis: conditions, steps and channels of third parties, found by their entry points.

A distribution names each of them in one line; nothing else has to know of it:

    [project.entry-points."kundenkreis.conditions"]
    moon = "kreis_moon.condition:KIND"        # a ConditionKind (segments/core/protocol.py)
    [project.entry-points."kundenkreis.steps"]
    howl = "kreis_moon.step:HOWL"             # a StepKind (journeys/core/protocol.py)
    [project.entry-points."kundenkreis.channels"]
    pigeon = "kreis_moon.channel:PIGEON"      # a class (channels/core/channel.py), made without arguments

What a rulebook, a run or a message once used must stay installed: without it they cannot be folded any more.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from kundenkreis.channels.core.channel import ENTRY_POINT_GROUP as CHANNEL_GROUP
from kundenkreis.channels.core.channel import Channel
from kundenkreis.definitions.errors import PluginRefusedError
from kundenkreis.definitions.kinds import SHIPPED, Plugins
from kundenkreis.journeys.core.protocol import StepKind
from kundenkreis.journeys.steps.registry import ENTRY_POINT_GROUP as STEP_GROUP
from kundenkreis.segments.conditions.registry import ENTRY_POINT_GROUP as CONDITION_GROUP
from kundenkreis.segments.core.tree import GROUPS

_CONDITION, _CHANNEL = ("kind", "label", "config", "compile"), ("id", "serves", "render", "open")
"""What a plug-in of the group has at the least."""
SERVED = frozenset({"email"})
"""What the shipped channels serve; named here, because importing them loads what only the sending process needs."""


@lru_cache(maxsize=1)
def installed_plugins() -> Plugins:
    """All kinds of conditions and steps, and the channels of third parties. Looked for once per process.

    Raises:
        PluginRefusedError: one cannot be loaded, or calls itself what something else is called.
    """
    conditions = _named(CONDITION_GROUP, SHIPPED.conditions, _CONDITION, reserved=(*GROUPS, "not"))
    steps = _named(STEP_GROUP, SHIPPED.steps, StepKind._fields, reserved=("id", "next"))
    channels: dict[str, type[Channel]] = {}
    for point, channel in _loaded(CHANNEL_GROUP, _CHANNEL):
        if channel.serves in channels or channel.serves in SERVED:
            raise _refused(point, f"there is a channel for {channel.serves!r} already")
        channels[channel.serves] = channel
    return Plugins(conditions, steps, channels)


def _named(group: str, shipped: Mapping[str, Any], needs: Iterable[str], *, reserved: Iterable[str]) -> dict[str, Any]:
    kinds = dict(shipped)
    for point, plugin in _loaded(group, needs):
        if plugin.kind in kinds or plugin.kind in reserved:
            raise _refused(point, f"{plugin.kind!r} is taken")
        kinds[plugin.kind] = plugin
    return kinds


def _loaded(group: str, needs: Iterable[str]) -> Iterable[tuple[EntryPoint, Any]]:
    """In the order of their names, so that every machine has the same."""
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        try:
            plugin = point.load()
        except Exception as error:  # whatever a third party's module does when it is imported
            raise _refused(point, f"importing it raised {error!r}") from error
        if missing := [name for name in needs if not hasattr(plugin, name)]:
            raise _refused(point, f"it has no {missing[0]!r}")
        yield point, plugin


def _refused(point: EntryPoint, why: str) -> PluginRefusedError:
    source = point.dist.name if point.dist is not None else "?"
    return PluginRefusedError(
        f"{source} offers {point.name} = {point.value!r} as {point.group}, but {why}. Mend or uninstall {source}.",
        distribution=source, group=point.group, name=point.name,
    )  # fmt: skip
