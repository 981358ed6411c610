"""The contact policy ready to be asked: defaults filled in, rules found by channel, purpose and situation."""

from kundenkreis.channels.core.policy_calendar import QuietRule
from kundenkreis.channels.core.policy_config import (
    BrandPlace,
    Limit,
    PolicyConfig,
    PurposeRule,
    SituationHold,
    check_policy,
)
from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.customers.core.consent import EXPRESS
from kundenkreis.customers.core.permission import MARKETING, SERVICE
from kundenkreis.kernel.zones import DAY, HOUR

KEPT_DAYS = 60
"""Contacts are kept at least so long, for the customer page and the after-conversion rule."""

ATTEMPTS_ON = {"call": "call_attempt"}
"""Channels on which a contact needs attempts -> the channel as which these count, only against limits of their own: a call nobody answered is no
contact with the person."""
ATTEMPTS = frozenset(ATTEMPTS_ON.values())


class CompiledPolicy:
    """What gate and judge read. Built once per rulebook, shared by all customers."""

    __slots__ = (
        "_limits", "_limits_by_channel", "_quiet", "_quiet_by_channel", "brand", "config", "grace_us", "holds",
        "keeps_us", "purposes", "selling",
    )  # fmt: skip

    def __init__(self, config: PolicyConfig, *, brand: BrandPlace, selling: frozenset[str] = frozenset()) -> None:
        """Take the policy with what else it needs of the rulebook.

        Args:
            selling: ids of the contents that ask people to buy or to recommend.
        """
        self.config = config
        self.selling = selling
        self.brand = brand
        limits = config.limits if config.limits is not None else DEFAULT_POLICY.limits
        quiet = config.quiet_hours if config.quiet_hours is not None else DEFAULT_POLICY.quiet_hours
        purposes = config.purposes if config.purposes is not None else DEFAULT_POLICY.purposes
        holds = config.situations if config.situations is not None else DEFAULT_POLICY.situations
        self._limits = tuple(limits or ())
        self._quiet = tuple(QuietRule(rule) for rule in quiet or ())
        self.purposes: dict[str, PurposeRule] = {purpose.id: purpose for purpose in purposes or ()}
        self.holds: dict[str, tuple[SituationHold, ...]] = {}
        for hold in holds or ():
            self.holds[hold.situation] = (*self.holds.get(hold.situation, ()), hold)
        self.grace_us = config.overdue_grace_hours * HOUR
        self.keeps_us = max([KEPT_DAYS * DAY, *(limit.per_hours * HOUR for limit in self._limits)])
        """How long a contact can matter."""
        self._limits_by_channel: dict[str, tuple[Limit, ...]] = {}
        self._quiet_by_channel: dict[tuple[str, str], tuple[QuietRule, ...]] = {}

    def limits_on(self, channel: str) -> tuple[Limit, ...]:
        """The limits that a marketing contact on this channel uses, those of its attempts included, in the order written."""
        found = self._limits_by_channel.get(channel)
        if found is None:
            whole = "" if channel not in ATTEMPTS else channel
            used = (channel, whole, ATTEMPTS_ON.get(channel, channel))
            found = tuple(limit for limit in self._limits if limit.channel in used)
            self._limits_by_channel[channel] = found
        return found

    def quiet_on(self, channel: str, message_class: str) -> tuple[QuietRule, ...]:
        """The rules of quiet time for this channel and class; none for transactional messages."""
        key = (channel, message_class)
        found = self._quiet_by_channel.get(key)
        if found is None:
            classes = (None, message_class) if message_class in (MARKETING, SERVICE) else ()
            found = tuple(
                rule for rule in self._quiet if rule.config.channel == channel and rule.config.message_class in classes
            )
            self._quiet_by_channel[key] = found
        return found

    def bases(self, purpose: str) -> tuple[str, ...]:
        """The legal bases that this purpose accepts; nothing but express consent for one that is not defined."""
        rule = self.purposes.get(purpose)
        return tuple(rule.bases) if rule is not None else (EXPRESS,)

    def categories(self, purpose: str) -> tuple[str, ...]:
        """What goods this purpose promotes; () = as the message says."""
        rule = self.purposes.get(purpose)
        return tuple(rule.categories) if rule is not None else ()


def compile_policy(
    config: PolicyConfig | None = None, *, brand: BrandPlace | None = None, selling: frozenset[str] = frozenset()
) -> CompiledPolicy:
    """The policy as written, or the shipped one.

    Raises:
        PolicyError: what is written contradicts itself.
    """
    brand = brand if brand is not None else BrandPlace()
    config = config if config is not None else DEFAULT_POLICY
    check_policy(config, brand)
    return CompiledPolicy(config, brand=brand, selling=selling)
