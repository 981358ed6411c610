"""How much one key or one address may send: a bucket that refills with time."""


class TokenBucket:
    """Allows `rate` tokens a second on average and `burst` at once. Time comes in as seconds of a monotonic clock.

    A request larger than what is left passes as long as one token is left, and is paid back afterwards: a full batch
    is never impossible, only followed by a pause.
    """

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, *, at: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = at

    def take(self, count: int, at: float) -> float:
        """Take `count` tokens: 0.0 if they were given, otherwise the seconds after which to ask again."""
        tokens = min(self._burst, self._tokens + (at - self._at) * self._rate)
        self._at = at
        if tokens < 1:
            self._tokens = tokens
            return (1 - tokens) / self._rate
        self._tokens = tokens - count
        return 0.0
