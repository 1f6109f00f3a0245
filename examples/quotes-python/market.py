"""The market of apps/quotes/market.ts: prices are a pure function of a seed and the time, so that a quotes service in
any language goes on where another one was."""

import math
from datetime import datetime, timezone
from threading import Lock

SEED = 1867
TICK_MS = 250
TICKS_PER_SESSION = 3_600_000 // TICK_MS
MASK = 0xFFFF_FFFF


class Market:
    """Safe for use by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stocks = [_Stock(letter * 4, _hash(SEED, index)) for index, letter in enumerate("ABCDEFGHIJK")]

    def at(self, now: float) -> dict:
        """The quotes of a moment, given in seconds since the epoch."""
        tick = int(now * 1000) // TICK_MS
        with self._lock:
            return {"asOf": _instant(tick), "quotes": [stock.at(tick) for stock in self._stocks]}


class _Stock:
    def __init__(self, symbol: str, key: int) -> None:
        self.symbol, self.key, self.session = symbol, key, -1

    def at(self, tick: int) -> dict:
        session, ticks = divmod(tick, TICKS_PER_SESSION)
        if self.session != session or self.ticks > ticks:
            self._open(session)
        while self.ticks < ticks:
            self._step()
        prices = {"price": self.price, "open": self.open, "low": self.low, "high": self.high, "close": self.close}
        return {"symbol": self.symbol, **prices, "time": _instant(self.traded)}

    def _open(self, session: int) -> None:
        """Begins a session: overnight the price jumped a little."""
        closed = self._anchor(session)
        self.session, self.ticks, self.traded = session, 0, session * TICKS_PER_SESSION
        self.level, self.target = closed + 0.002 * _normal(self.key, session), self._anchor(session + 1)
        self.close, self.price = _price(closed), _price(self.level)
        self.open = self.low = self.high = self.price

    def _step(self) -> None:
        """One tick of a Brownian bridge in the logarithm of the price, with a trade in about every seventh."""
        left = TICKS_PER_SESSION - 1 - self.ticks
        self.ticks += 1
        self.level += (self.target - self.level) / left
        tick = self.session * TICKS_PER_SESSION + self.ticks
        if left > 1:
            if _uniform(self.key ^ 1, tick) > 0.15:
                return
            self.level += 0.0007 * _normal(self.key ^ 2, tick)
        self.price, self.traded = _price(self.level), tick
        self.low, self.high = min(self.low, self.price), max(self.high, self.price)

    def _anchor(self, session: int) -> float:
        """Logarithm of the price between two sessions, in slow waves around a base from 20 to 400."""
        base = math.log(20) + math.log(20) * _uniform(self.key, 0)
        swings = ((3, 0.01, 4), (4, 0.04, 24), (5, 0.1, 168))
        return base + sum(height * _wave(self.key ^ salt, session / length) for salt, height, length in swings)


def _wave(key: int, at: float) -> float:
    before = math.floor(at)
    part = at - before
    weight = part * part * (3 - 2 * part)
    return 2 * (_uniform(key, before) * (1 - weight) + _uniform(key, before + 1) * weight) - 1


def _normal(key: int, n: int) -> float:
    a, b = _hash(key, n), _hash(key ^ 0x5BD1E995, n)
    total = (a & 0xFFFF) + (a >> 16) + (b & 0xFFFF) + (b >> 16)
    return (total / 0xFFFF - 2) * math.sqrt(3)


def _uniform(key: int, n: int) -> float:
    return _hash(key, n) / 2**32


def _hash(key: int, n: int) -> int:
    return _mix(_mix(_mix(key) ^ (n & MASK)) ^ (n >> 32))


def _mix(h: int) -> int:
    """The finaliser of MurmurHash3."""
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return h ^ (h >> 16)


def _price(level: float) -> float:
    return max(0.01, math.floor(math.exp(level) * 100 + 0.5) / 100)


def _instant(tick: int) -> str:
    moment = datetime.fromtimestamp(tick * TICK_MS / 1000, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
