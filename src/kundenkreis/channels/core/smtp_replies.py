"""What a mail server's reply means for the message, the person, the domain and the sender.

One table, read from top to bottom: the first row that fits decides (trust 3.3; RFC 5321 4.2, 3463, 7372, 7505).
Whatever no row knows is classified by stage and basic code, keeps its raw text, and never suppresses anybody.
"""

import re
from typing import Literal

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

Stage = Literal["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot"]
Kind = Literal[
    "accepted",
    "continue",
    "retry",
    "throttled",
    "hard_bounce",
    "soft_bounce",
    "content_rejected",
    "policy_rejected",
    "configuration",
    "uncertain",
]

Pause = Literal["", "host", "domain", "sender"]
SESSION_STAGES: frozenset[Stage] = frozenset({"connect", "ehlo", "starttls", "auth", "mail"})
"""Before a recipient is named nothing can be the recipient's fault."""


class ReplyClass(msgspec.Struct, frozen=True, gc=False):
    """One reply, understood."""

    kind: Kind
    suppress: bool = False
    """Never write to this address again."""
    costs_attempt: bool = True
    """False: the same attempt is made again later."""
    pause: Pause = ""
    """What rests besides this message: this server, the receiving domain, or all sending through this account."""
    alarm: bool = False
    """Somebody has to look."""
    rule: str = ""
    """The table row that decided; "" for none."""


class _Rule(msgspec.Struct, frozen=True):
    """Fits if every stated part fits; an empty part fits anything."""

    name: str
    answer: ReplyClass
    stages: frozenset[Stage] = frozenset()
    codes: frozenset[int] = frozenset()
    basic: int = 0
    """First digit of the code."""
    enhanced: str = ""
    """Pattern of the whole enhanced code, such as r"5\\.1\\.(1|2)"."""
    text: str = ""
    """Pattern found anywhere in the text, any case; only consulted for words that servers use consistently."""


_RECIPIENT: frozenset[Stage] = frozenset({"rcpt", "data", "dot"})
_THROTTLE_WORDS = (
    r"too many|rate.?limit|throttl|try again later.*(volume|rate)|temporarily deferred due to|unusual rate"
    r"|(exceed|over).{0,30}(rate|limit|connections)|4\.7\.28"
)
_LISTED_WORDS = r"block.?list|black.?list|spamhaus|barracuda|dnsbl|\brbl\b|reputation|dmarc|\bspf\b|\bdkim\b|spam"
_BLOCK_WORDS = (
    _LISTED_WORDS
    + r"|unauthenticated|policy|not (permitted|authori[sz]ed) to send|banned|blocked|reverse dns|\bptr\b|abuse"
)
_UNKNOWN_USER_WORDS = (
    r"user unknown|unknown (user|recipient|mailbox)|no such (user|mailbox|recipient|person|address)"
    r"|(recipient|mailbox|user|account|address) (not found|does ?n.t exist|does not exist|unknown|is unknown|invalid)"
    r"|invalid (recipient|mailbox)|not a (valid|known) (user|mailbox)|does not have an? \S+ account|unbekannt"
)
_FULL_WORDS = r"(mailbox|account|inbox|quota|storage).{0,30}(full|exceed|over)|over.?quota|quota exceeded"
_DISABLED_WORDS = r"(mailbox|account|user|recipient).{0,30}(disabled|inactive|suspended|deactivated|locked)"
_SIZE_WORDS = r"(message|size).{0,40}(too (large|big)|exceeds|limit)"

_GO_ON = ReplyClass("continue")
_RETRY = ReplyClass("retry")
_RETRY_HOST = ReplyClass("retry", costs_attempt=False, pause="host")
_THROTTLED = ReplyClass("throttled", costs_attempt=False, pause="domain")
_HARD = ReplyClass("hard_bounce", suppress=True)
_SOFT = ReplyClass("soft_bounce")
_CONTENT = ReplyClass("content_rejected", alarm=True)
_POLICY = ReplyClass("policy_rejected", costs_attempt=False, pause="domain", alarm=True)
_FAULT = ReplyClass("configuration", costs_attempt=False, pause="sender", alarm=True)

_HELLO: frozenset[Stage] = frozenset({"connect", "ehlo", "mail"})
_CONTENT_STAGES: frozenset[Stage] = frozenset({"data", "dot"})
_ONLY_RCPT: frozenset[Stage] = frozenset({"rcpt"})
_PROTOCOL_CODES = frozenset({500, 501, 502, 503, 504, 530, 535, 538})

_TABLE: tuple[_Rule, ...] = (
    _Rule("data_go_on", _GO_ON, frozenset({"data"}), frozenset({354})),
    _Rule("accepted", ReplyClass("accepted"), frozenset({"dot"}), basic=2),
    _Rule("go_on", _GO_ON, SESSION_STAGES | _ONLY_RCPT, basic=2),
    _Rule("auth_go_on", _GO_ON, frozenset({"auth"}), basic=3),
    # Temporary
    _Rule("throttle_code", _THROTTLED, basic=4, enhanced=r"4\.7\.(28|32)"),
    _Rule("throttle_text", _THROTTLED, basic=4, text=_THROTTLE_WORDS),
    _Rule("throttle_421_policy", _THROTTLED, codes=frozenset({421}), enhanced=r"4\.7\.0"),
    _Rule("shutting_down", _RETRY_HOST, codes=frozenset({421})),
    _Rule("session_not_now", _RETRY_HOST, SESSION_STAGES, basic=4),
    _Rule("not_now", _RETRY, basic=4),
    # Permanent, before any recipient: our side or the account
    _Rule("session_blocked", _POLICY, _HELLO, basic=5, text=_BLOCK_WORDS),
    _Rule("session_refused", _FAULT, SESSION_STAGES, basic=5),
    # Permanent, by enhanced code; a blocklist named in words outweighs a careless 5.1.1
    _Rule("blocked_despite_code", _POLICY, _RECIPIENT, basic=5, enhanced=r"5\.1\.1", text=_LISTED_WORDS),
    _Rule("unknown_mailbox", _HARD, _RECIPIENT, basic=5, enhanced=r"5\.1\.(1|2|3|6|10)"),
    _Rule("sender_address", _FAULT, _RECIPIENT, basic=5, enhanced=r"5\.1\.(7|8)"),
    _Rule("disabled", _SOFT, _RECIPIENT, basic=5, enhanced=r"5\.2\.1"),
    _Rule("full", _SOFT, _RECIPIENT, basic=5, enhanced=r"5\.2\.2"),
    _Rule("too_large", _CONTENT, _RECIPIENT, basic=5, enhanced=r"5\.(2\.3|3\.4)"),
    _Rule("content", _CONTENT, _RECIPIENT, basic=5, enhanced=r"5\.6\.\d+"),
    _Rule("protocol", _FAULT, _RECIPIENT, basic=5, enhanced=r"5\.5\.\d+"),
    _Rule("policy", _POLICY, _RECIPIENT, basic=5, enhanced=r"5\.7\.\d+"),
    _Rule("null_mx", _HARD, _RECIPIENT, frozenset({556})),
    # Permanent, by code and words
    _Rule("size_code", _CONTENT, _RECIPIENT, frozenset({552}), text=_SIZE_WORDS),
    _Rule("full_code", _SOFT, _RECIPIENT, frozenset({552})),
    _Rule("blocked_words", _POLICY, _RECIPIENT, basic=5, text=_LISTED_WORDS),
    _Rule("unknown_words", _HARD, _ONLY_RCPT, basic=5, text=_UNKNOWN_USER_WORDS),
    _Rule("unknown_after_data", _HARD, _CONTENT_STAGES, frozenset({550}), text=_UNKNOWN_USER_WORDS),
    _Rule("full_words", _SOFT, _RECIPIENT, basic=5, text=_FULL_WORDS),
    _Rule("disabled_words", _SOFT, _RECIPIENT, basic=5, text=_DISABLED_WORDS),
    _Rule("refused_words", _POLICY, _RECIPIENT, basic=5, text=_BLOCK_WORDS),
    _Rule("protocol_code", _FAULT, _RECIPIENT, _PROTOCOL_CODES),
    _Rule("content_554", _CONTENT, _CONTENT_STAGES, frozenset({554})),
)

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_COMPILED = tuple(
    (
        rule,
        re.compile(rule.enhanced) if rule.enhanced else None,
        re.compile(rule.text, re.IGNORECASE) if rule.text else None,
    )
    for rule in _TABLE
)


def rules() -> tuple[str, ...]:
    """Names of all rows, for the reference and the tests."""
    return tuple(rule.name for rule in _TABLE)


def split_enhanced(text: str) -> tuple[str, str]:
    """("5.1.1", "User unknown") of "5.1.1 User unknown"; "" where the text begins with no enhanced code."""
    match = _ENHANCED.match(text)
    return (match.group(1), text[match.end() :].strip()) if match else ("", text.strip())


def classify(stage: Stage, code: int, enhanced: str = "", text: str = "") -> ReplyClass:
    """What this reply at this stage means.

    Args:
        stage: the verb it answers; dot for the reply after the final dot.
        code: three digits; 0 for a connection that broke, timed out or answered garbage.
        enhanced: such as "5.1.1", "" if absent or contradicting the code.
        text: the rest, all lines.
    """
    if code == 0:
        return _broken(stage)
    if enhanced[:1] != str(code // 100):
        enhanced = ""
    for rule, enhanced_pattern, text_pattern in _COMPILED:
        if (
            (not rule.stages or stage in rule.stages)
            and (not rule.codes or code in rule.codes)
            and (not rule.basic or code // 100 == rule.basic)
            and (enhanced_pattern is None or enhanced_pattern.fullmatch(enhanced) is not None)
            and (text_pattern is None or text_pattern.search(text) is not None)
        ):
            return msgspec.structs.replace(rule.answer, rule=rule.name)
    return _unknown(stage, code)


def _broken(stage: Stage) -> ReplyClass:
    """The connection is gone: before the dot nothing can have been accepted, after it nobody knows (trust 1.2)."""
    if stage == "dot":
        return ReplyClass("uncertain", alarm=True, rule="broken_after_dot")
    return ReplyClass("retry", costs_attempt=False, pause="host", rule="broken")


def _unknown(stage: Stage, code: int) -> ReplyClass:
    """No row: a 5xx about a recipient is a soft bounce and suppresses nobody by itself; the rest is retried."""
    if 500 <= code <= 599:
        return ReplyClass("soft_bounce")
    if stage == "dot":
        return ReplyClass("uncertain", alarm=True)
    return ReplyClass("retry", costs_attempt=False, pause="host")


RETRY_STEPS: tuple[Micros, ...] = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE)
"""Greylisting lets the second or third attempt in; after an hour the fault is of another kind (trust 3.3)."""
RETRY_LATER: Micros = 2 * HOUR
THROTTLE_REST: Micros = 10 * MINUTE
LIFE: dict[str, Micros] = {"transactional": DAY, "service": DAY, "marketing": 4 * DAY}
"""How long a message is tried after its first attempt, at most; its own validity ends it earlier."""


def step_us(attempts: int) -> Micros:
    """How long a message waits after that many attempts."""
    return RETRY_STEPS[max(attempts - 1, 0)] if attempts <= len(RETRY_STEPS) else RETRY_LATER


def next_try_us(
    attempts: int, *, at_us: Micros, first_us: Micros, message_class: str, valid_until_us: Micros
) -> Micros | None:
    """When to try again after `attempts` attempts, None if that would be too late for this message."""
    candidate = at_us + step_us(attempts)
    last = min(first_us + LIFE.get(message_class, DAY), valid_until_us)
    return candidate if candidate <= last else None
