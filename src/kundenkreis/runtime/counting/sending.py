"""What became of the messages decided about lately: by channel, and by the domain that receives them."""

from collections import defaultdict

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.readers.fates import DECIDED, FATE
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.start import SPANS_HOURS, DomainSending, Sending, SendingFlow

MOST_DOMAINS = 12

_FIRST = "(SELECT effect_id, at_us, profile_id, channel FROM verdicts WHERE sequence = 0 AND at_us >= ?)"
_FLOW = f"SELECT f.channel, {FATE} AS fate, count(*) {DECIDED.format(first=_FIRST)} GROUP BY f.channel, {FATE}"
_DOMAIN = {
    "sqlite": "substr(i.value, instr(i.value, '@') + 1)",
    "postgres": "split_part(i.value, '@', 2)",
}
_DOMAINS = f"""
SELECT {{domain}} AS domain, count(*) {DECIDED.format(first=_FIRST)}
JOIN identifiers i ON i.profile_id = f.profile_id AND i.kind = 'email'
WHERE f.channel = 'email' AND {FATE} NOT IN ('withheld', 'waiting')
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_DOMAINS}
"""
_COMPLAINTS = """
SELECT {domain} AS domain, count(DISTINCT f.profile_id) FROM fences f JOIN identifiers i ON i.profile_id = f.profile_id AND i.kind = 'email'
WHERE f.reason = 'complaint' AND f.since_us >= ? GROUP BY 1
"""


def count_sending(tx: Session, *, at_us: Micros) -> Sending:
    """Messages by the instant they were first decided about. Somebody with two addresses counts for both domains."""
    flows: list[SendingFlow] = []
    for hours in SPANS_HOURS:
        fates: dict[str, dict[str, int]] = defaultdict(dict)
        for channel, fate, count in tx.rows(_FLOW, (at_us - hours * HOUR,)):
            fates[channel][fate] = count
        flows += [SendingFlow(channel=channel, hours=hours, fates=fates[channel]) for channel in sorted(fates)]
    domain = _DOMAIN[tx.dialect]
    complaints: dict[str, int] = dict(tx.rows(_COMPLAINTS.format(domain=domain), (at_us - 7 * DAY,)))
    domains = tuple(
        DomainSending(domain=row[0], handed_over=row[1], complaints=complaints.get(row[0], 0))
        for row in tx.rows(_DOMAINS.format(domain=domain), (at_us - 7 * DAY,))
    )
    return Sending(at_us=at_us, flows=tuple(flows), domains=domains)
