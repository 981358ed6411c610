"""The stories behind the golden traces. Run as a script, it writes the traces anew; read the difference before keeping it."""

from collections.abc import Callable

from tests.journeys.driver import GOLDEN, Fold, journey, journeys

NEWSLETTER = {"purpose": "newsletter"}


def _fold(name: str, **more: object) -> Fold:
    return Fold(journeys(journey((GOLDEN / f"{name}.yaml").read_text("utf-8"))), **more)  # type: ignore[arg-type]  # fields of Fold


def welcome() -> Fold:
    """Confirmed on a Saturday at 23:58; never orders, never redeems."""
    return _fold("welcome").tell("Consent Confirmed", "2026-11-14 23:58", NEWSLETTER).until("2027-01-31 00:00")


def welcome_ordered() -> Fold:
    """Confirmed on a Saturday, orders on Thursday: the offer never comes."""
    customer = _fold("welcome").tell("Consent Confirmed", "2026-11-14 23:58", NEWSLETTER)
    return customer.tell("Order Completed", "2026-11-19 18:00", {"total": 40}).until("2027-01-31 00:00")


def second_purchase() -> Fold:
    """First order delivered before the clocks change; the care tips wait for morning; the second order comes on day 30."""
    customer = _fold(
        "second_purchase",
        policy=lambda planned, at_us: at_us + 3_600_000_000 if planned.content_id == "care_tips" else "release",
    )
    customer.tell("Order Completed", "2026-03-20 09:00").tell("Order Delivered", "2026-03-27 14:30").until(
        "2026-04-25 00:00"
    )
    return customer.tell("Order Completed", "2026-04-26 11:00").until("2026-12-31 00:00")


def second_purchase_refunded() -> Fold:
    """The whole first order goes back: nothing that sells."""
    customer = (
        _fold("second_purchase").tell("Order Completed", "2026-06-01 09:00").tell("Order Delivered", "2026-06-03 14:30")
    )
    return customer.tell("Order Refunded", "2026-06-05 10:00").until("2026-12-31 00:00")


def coupon_reminder() -> Fold:
    """Three coupons side by side: one reminder sent, one coupon redeemed in time, one reminder withheld; the first is issued again by mistake."""
    customer = _fold(
        "coupon_reminder",
        policy=lambda planned, at_us: "release" if planned.variables["coupon_id"] == "A" else "withhold",
    )
    customer.tell("Coupon Issued", "2026-06-01 12:00", {"coupon_id": "A", "expires_at": "2026-06-30"})
    customer.tell("Coupon Issued", "2026-06-02 12:00", {"coupon_id": "B", "expires_at": "2026-07-31T23:59:00+02:00"})
    customer.tell("Coupon Issued", "2026-06-03 12:00", {"coupon_id": "A", "expires_at": "2026-06-30"})
    customer.tell("Coupon Issued", "2026-06-04 12:00", {"coupon_id": "C", "expires_at": "15.08.2026"})
    customer.tell("Coupon Redeemed", "2026-06-25 12:00", {"coupon_id": "B"})
    return customer.until("2026-12-31 00:00")


def birthday() -> Fold:
    """Born on 29 February; moves to New York between gift and greeting; redeems in the second year."""
    customer = _fold("birthday").tell("", "2026-06-01 12:00", {"birthday": "29.02.1996"}, type="identify")
    customer.tell("", "2027-02-25 12:00", {"timezone": "America/New_York"}, type="identify")
    customer.tell("Coupon Redeemed", "2028-03-02 12:00").until("2028-12-31 00:00")
    return customer


AT_RISK = {"at_risk": {"silent_days": 42}}


def winback() -> Fold:
    """Silent for 42 days, gets news and the offer of the test, orders after it."""
    customer = (
        _fold("winback", segments=AT_RISK, bucket_key="treated")
        .tell("Order Completed", "2026-06-01 10:00")
        .until("2026-08-01 00:00")
    )
    return customer.tell("Order Completed", "2026-08-02 10:00").until("2026-09-01 00:00")


def winback_control() -> Fold:
    """Somebody in the control group, the same story: measured, receives nothing, comes back alone."""
    customer = (
        _fold("winback", segments=AT_RISK, bucket_key="held-1")
        .tell("Order Completed", "2026-06-01 10:00")
        .until("2026-08-01 00:00")
    )
    return customer.tell("Order Completed", "2026-08-02 10:00").until("2026-09-01 00:00")


def winback_complaint() -> Fold:
    """A complaint is opened while the offer is pending."""
    customer = _fold("winback", segments=AT_RISK, bucket_key="treated").tell("Order Completed", "2026-06-01 10:00")
    customer.tell("", "2026-07-15 10:00", {"complaint": "open"}, type="identify")
    return customer.until("2026-09-01 00:00")


STORIES: dict[str, Callable[[], Fold]] = {
    story.__name__: story
    for story in (
        welcome, welcome_ordered, second_purchase, second_purchase_refunded, coupon_reminder, birthday, winback, winback_control,
        winback_complaint,
    )
}  # fmt: skip


def text_of(name: str) -> str:
    """One golden file: the story, the path, what was sent."""
    story = STORIES[name]
    customer = story()
    sent = "".join(f"{when}  {content}\n" for content, when in customer.sendings)
    return f"# {story.__doc__}\n\n{customer.trace()}\nsent:\n{sent or 'nothing' + chr(10)}"


if __name__ == "__main__":
    for one in STORIES:
        (GOLDEN / f"{one}.txt").write_text(text_of(one), "utf-8")
