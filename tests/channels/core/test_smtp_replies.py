"""T11: every row of the reply table, at every stage it can occur, with and without enhanced codes."""

import pytest

from kundenkreis.channels.core.smtp_replies import (
    SESSION_STAGES,
    ReplyClass,
    classify,
    next_try_us,
    rules,
    split_enhanced,
)
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

pytestmark = pytest.mark.pure

MATRIX = """
connect  220            | sink.example ESMTP                                       | continue
ehlo     250            | sink.example                                             | continue
starttls 220 2.0.0      | Ready to start TLS                                       | continue
auth     235 2.7.0      | Authentication successful                                | continue
auth     334            | VXNlcm5hbWU6                                             | continue
mail     250 2.1.0      | Ok                                                       | continue
rcpt     250 2.1.5      | Ok                                                       | continue
rcpt     251            | User not local; will forward                             | continue
rcpt     252            | Cannot VRFY user, but will accept                        | continue
data     354            | End data with <CR><LF>.<CR><LF>                          | continue
dot      250 2.0.0      | Ok: queued as 12345                                      | accepted
dot      250 2.6.0      | <id> Queued mail for delivery                            | accepted
dot      252            | Ok                                                       | accepted
data     250            | Ok                                                       | retry
data     220            | What                                                     | retry
connect  421 4.3.2      | System not accepting network messages                    | retry
connect  421 4.7.0      | Try again later, closing connection                      | throttled
connect  421            | Too many connections from your IP                        | throttled
connect  421            | Service not available                                    | retry
connect  450            | Not now                                                  | retry
connect  554            | No SMTP service here                                     | configuration
connect  554 5.7.1      | Service unavailable; client blocked using zen.spamhaus.org | policy_rejected
connect  550            | Your IP has a poor reputation                            | policy_rejected
connect  521            | Server does not accept mail                              | configuration
connect  0              | connection refused                                       | retry
ehlo     421            | Closing                                                  | retry
ehlo     501 5.5.4      | Invalid domain name                                      | configuration
ehlo     550 5.7.1      | Helo command rejected: policy                            | policy_rejected
ehlo     504 5.5.2      | need fully-qualified hostname                            | configuration
ehlo     0              |                                                          | retry
starttls 454 4.7.0      | TLS not available due to temporary reason                | retry
starttls 502 5.5.1      | Command not implemented                                  | configuration
starttls 0              |                                                          | retry
auth     535 5.7.8      | Authentication credentials invalid                       | configuration
auth     534 5.7.9      | Mechanism too weak                                       | configuration
auth     530 5.7.0      | Must issue a STARTTLS command first                      | configuration
auth     454 4.7.0      | Temporary authentication failure                         | retry
auth     421 4.7.28     | Too many login attempts                                  | throttled
auth     0              |                                                          | retry
mail     421 4.7.28     | Unusual rate of unsolicited mail                         | throttled
mail     421            | Timeout                                                  | retry
mail     451 4.3.0      | Temporary server error                                   | retry
mail     452 4.3.1      | Insufficient system storage                              | retry
mail     450 4.1.8      | Sender address rejected: Domain not found                | retry
mail     530 5.7.0      | Authentication required                                  | configuration
mail     550 5.7.1      | Sender rejected                                          | configuration
mail     550 5.1.8      | Bad sender's system address                              | configuration
mail     550            | SPF check failed                                         | policy_rejected
mail     553 5.1.7      | Sender address rejected                                  | configuration
mail     552 5.3.4      | Message size exceeds fixed limit                         | configuration
mail     555 5.5.4      | Unsupported option                                       | configuration
mail     554 5.7.1      | banned                                                   | policy_rejected
mail     0              |                                                          | retry
rcpt     421            | Service shutting down                                    | retry
rcpt     421 4.7.0      | Temporary system problem. Try again later                | throttled
rcpt     421 4.7.28     | Our system has detected an unusual rate                  | throttled
rcpt     450 4.7.1      | Greylisted, please try again in 300 seconds              | retry
rcpt     450 4.2.0      | Recipient address rejected: Greylisted                   | retry
rcpt     451 4.7.1      | Please try again later                                   | retry
rcpt     451 4.3.0      | Temporary lookup failure                                 | retry
rcpt     451 4.4.1      | Connection timed out                                     | retry
rcpt     452 4.2.2      | Mailbox full                                             | retry
rcpt     452 4.5.3      | Too many recipients                                      | throttled
rcpt     452 4.3.1      | Out of memory                                            | retry
rcpt     450            | Rate limit exceeded                                      | throttled
rcpt     451 4.7.32     | From header not aligned                                  | throttled
rcpt     450            | Mailbox busy                                             | retry
rcpt     550 5.1.1      | User unknown                                             | hard_bounce
rcpt     550 5.1.1      | The email account that you tried to reach does not exist | hard_bounce
rcpt     550 5.1.1      | Blocked: see spamhaus                                    | policy_rejected
rcpt     550 5.1.2      | Bad destination system address                           | hard_bounce
rcpt     501 5.1.3      | Bad recipient address syntax                             | hard_bounce
rcpt     550 5.1.6      | Mailbox has moved                                        | hard_bounce
rcpt     556 5.1.10     | Recipient address has null MX                            | hard_bounce
rcpt     556            | Domain does not accept mail                              | hard_bounce
rcpt     550 5.1.7      | Bad sender                                               | configuration
rcpt     550 5.1.8      | Bad sender system                                        | configuration
rcpt     550            | No such user here                                        | hard_bounce
rcpt     550            | Mailbox not found                                        | hard_bounce
rcpt     553            | Invalid recipient                                        | hard_bounce
rcpt     554            | a@b: Recipient address rejected: User unknown in table   | hard_bounce
rcpt     550            | Requested action not taken: mailbox unavailable          | soft_bounce
rcpt     550            | Benutzer unbekannt                                       | hard_bounce
rcpt     550            | Nein                                                     | soft_bounce
rcpt     554            | Transaction failed                                       | soft_bounce
rcpt     550 5.2.1      | Mailbox disabled, not accepting messages                 | soft_bounce
rcpt     550 5.2.2      | Mailbox full                                             | soft_bounce
rcpt     552 5.2.2      | Over quota                                               | soft_bounce
rcpt     552            | Mailbox full                                             | soft_bounce
rcpt     552            | Exceeded storage allocation                              | soft_bounce
rcpt     552 5.2.3      | Message too large                                        | content_rejected
rcpt     552            | Message size exceeds limit                               | content_rejected
rcpt     550            | Account is suspended                                     | soft_bounce
rcpt     550            | Quota exceeded                                           | soft_bounce
rcpt     550 5.4.1      | Recipient address rejected: Access denied                | soft_bounce
rcpt     554 5.4.14     | Hop count exceeded                                       | soft_bounce
rcpt     550 5.7.1      | Message rejected due to policy                           | policy_rejected
rcpt     550 5.7.1      | User unknown                                             | policy_rejected
rcpt     554 5.7.1      | Relay access denied                                      | policy_rejected
rcpt     550 5.7.26     | Unauthenticated sender                                   | policy_rejected
rcpt     550 5.7.515    | Access denied, domain does not meet the required level   | policy_rejected
rcpt     550 5.7.606    | Access denied, banned sending IP                         | policy_rejected
rcpt     550            | Rejected by DNSBL                                        | policy_rejected
rcpt     554            | Blocked for abuse                                        | policy_rejected
rcpt     550            | User unknown; blacklisted                                | policy_rejected
rcpt     503 5.5.1      | Bad sequence of commands                                 | configuration
rcpt     503            | Bad sequence of commands                                 | configuration
rcpt     530            | Authentication required                                  | configuration
rcpt     550 4.1.1      | User unknown                                             | hard_bounce
rcpt     450 5.1.1      | User unknown                                             | retry
rcpt     0              |                                                          | retry
data     421            | Closing                                                  | retry
data     451 4.3.0      | Queue file write error                                   | retry
data     452 4.3.1      | Insufficient system storage                              | retry
data     503 5.5.1      | No valid recipients                                      | configuration
data     550 5.1.1      | User unknown                                             | hard_bounce
data     554 5.5.1      | Error: no valid recipients                               | configuration
data     554 5.7.1      | Rejected                                                 | policy_rejected
data     554            | Transaction failed                                       | content_rejected
data     0              |                                                          | retry
dot      421 4.7.0      | Temporarily deferred due to user complaints              | throttled
dot      421            | Timeout                                                  | retry
dot      451 4.7.1      | Greylisted                                               | retry
dot      451 4.7.28     | Too many messages with the same Message-ID               | throttled
dot      452 4.3.1      | Insufficient storage                                     | retry
dot      452 4.2.2      | Mailbox full                                             | retry
dot      550 5.1.1      | User unknown                                             | hard_bounce
dot      550            | User unknown                                             | hard_bounce
dot      554            | User unknown                                             | content_rejected
dot      550            | No                                                       | soft_bounce
dot      550 5.2.2      | Mailbox full                                             | soft_bounce
dot      552 5.3.4      | Message too big for system                               | content_rejected
dot      552 5.2.3      | Message length exceeds limit                             | content_rejected
dot      552            | Message exceeds size limit                               | content_rejected
dot      554 5.6.0      | Message content rejected                                 | content_rejected
dot      554 5.6.2      | Conversion required but prohibited                       | content_rejected
dot      554            | Message contains a virus                                 | content_rejected
dot      554            | Spam detected                                            | policy_rejected
dot      550 5.7.1      | DMARC policy                                             | policy_rejected
dot      550 5.7.515    | Access denied                                            | policy_rejected
dot      554            | Transaction failed                                       | content_rejected
dot      500            | Line too long                                            | configuration
dot      354            | Go on                                                    | uncertain
dot      0              |                                                          | uncertain
"""


def cases() -> list[tuple[str, int, str, str, str]]:
    found = []
    for line in MATRIX.strip().splitlines():
        reply, text, kind = (part.strip() for part in line.split("|"))
        stage, code, *enhanced = reply.split()
        found.append((stage, int(code), enhanced[0] if enhanced else "", text, kind))
    return found


@pytest.mark.parametrize(("stage", "code", "enhanced", "text", "kind"), cases())
def test_the_matrix(stage: str, code: int, enhanced: str, text: str, kind: str) -> None:
    answer = classify(stage, code, enhanced, text)  # type: ignore[arg-type]
    assert answer.kind == kind
    assert answer.suppress == (kind == "hard_bounce")


def test_the_matrix_is_large_and_reaches_every_row() -> None:
    assert len(cases()) >= 120
    reached = {classify(stage, code, enhanced, text).rule for stage, code, enhanced, text, _ in cases()}  # type: ignore[arg-type]
    assert sorted(set(rules()) - reached) == []


def test_only_a_recipient_can_be_suppressed() -> None:
    for stage in SESSION_STAGES:
        for code in range(200, 600):
            for enhanced in ("", "5.1.1", "5.1.10", "5.7.1", "4.7.0"):
                assert not classify(stage, code, enhanced, "User unknown").suppress


def test_what_nobody_knows_suppresses_nobody() -> None:
    for stage in ("rcpt", "data", "dot"):
        for code in (510, 531, 550, 551, 553, 554, 557, 599):
            for enhanced in ("", "5.0.0", "5.2.0", "5.3.0", "5.4.0", "5.9.9", "5.1.4", "5.1.0"):
                answer = classify(stage, code, enhanced, "qwertz")  # type: ignore[arg-type]
                assert (answer.suppress, answer.kind in ("soft_bounce", "content_rejected")) == (False, True)


def test_throttling_rests_the_domain_and_costs_nothing() -> None:
    answer = classify("rcpt", 421, "4.7.28", "slow down")
    assert answer == ReplyClass("throttled", costs_attempt=False, pause="domain", rule="throttle_code")


def test_faults_of_ours_stop_the_sender() -> None:
    answer = classify("auth", 535, "5.7.8", "no")
    assert (answer.pause, answer.alarm, answer.costs_attempt) == ("sender", True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.1.1 User unknown", ("5.1.1", "User unknown")),
        (" 4.7.28 x", ("4.7.28", "x")),
        ("5.1.1", ("5.1.1", "")),
        ("5.1.1.1 x", ("", "5.1.1.1 x")),
        ("User 5.1.1", ("", "User 5.1.1")),
        ("", ("", "")),
    ],
)
def test_enhanced_codes(text: str, expected: tuple[str, str]) -> None:
    assert split_enhanced(text) == expected


def test_the_steps_of_trying_again() -> None:
    at, steps = 0, []
    for attempts in range(1, 8):
        following = next_try_us(attempts, at_us=at, first_us=0, message_class="marketing", valid_until_us=NEVER)
        assert following is not None
        steps.append(following - at)
        at = following
    assert steps == [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 2 * HOUR, 2 * HOUR]


def test_trying_ends() -> None:
    def after(at_us: int, message_class: str, valid_until_us: int = NEVER) -> int | None:
        return next_try_us(9, at_us=at_us, first_us=0, message_class=message_class, valid_until_us=valid_until_us)

    assert after(DAY - 2 * HOUR, "transactional") == DAY
    assert after(DAY - 2 * HOUR + 1, "transactional") is None
    assert after(4 * DAY - 2 * HOUR, "marketing") == 4 * DAY
    assert after(0, "marketing", valid_until_us=HOUR) is None
