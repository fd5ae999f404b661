"""Sees the orders of one window to their end. Nothing is sent here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from attrs import define, field

from nanobook_core.contracts import ClientIdScope, Clock
from nanobook_rebalancer.decimal_text import decimal_text
from nanobook_rebalancer.history import Attempt, Window
from nanobook_rebalancer.kill_switch import KillSwitch
from nanobook_rebalancer.leg_state import LegState
from nanobook_rebalancer.stop import StopFlag, StoppedError
from nanobook_rebalancer.venue import Answer, Venue

#: How often, and how many seconds apart, a venue is asked for an order that nobody knows of; and
#: for how long it may ask for patience: Binance may take a request for a minute, and more.
_ASKS, _ASK_SECONDS, _PATIENCE_SECONDS = 3, 2.0, 90.0
#: How often an order is cancelled, and how many seconds it may take to end after each time.
_CANCELS, _CANCEL_SECONDS = 3, 5.0
#: How long the fills of an order may be missing that has ended.
_FILLS_SECONDS = 30.0
_POLL_SECONDS = 0.25


@define(kw_only=True)
class Orders:
    """The orders of a window, those too that were sent by a run that died."""

    window: Window
    venue: Venue
    clock: Clock
    stop: StopFlag
    kill: KillSwitch
    is_flatten: bool = False
    """A person has asked to close positions although the kill switch is set."""
    sent_at: dict[str, float] = field(factory=dict)
    """On the monotonic clock, by client order id; without those of earlier runs."""

    def check_stop(self) -> None:
        """Go on only while nobody has asked for a stop.

        Raises:
            StoppedError: a signal came, or the kill switch is set.

        """
        # First: the kill command sends a signal too.
        if (reason := self.kill.reason()) and not self.is_flatten:
            raise StoppedError("halted", reason)
        self.stop.check()

    def resolve(self, attempt: Attempt) -> Answer:
        """Ask a venue for an order of which nothing is known.

        FOUND, or ABSENT where it is proved that the venue never had it and takes no second one of
        its id, so that the same order may be sent again. A venue that says when it will know is
        given that time.

        Raises:
            StoppedError: neither; only a person can find out.

        """
        answers: list[Answer] = []
        patience = _PATIENCE_SECONDS
        while True:
            answer = self.venue.find(attempt)
            if not attempt.state.is_fate_unknown:
                return Answer.FOUND
            pause = max(self.venue.retry_after or 0.0, _ASK_SECONDS)
            if self.venue.retry_after is None or pause > patience:
                answers.append(answer)
                pause = _ASK_SECONDS
            else:
                patience -= pause
            if len(answers) == _ASKS:
                break
            self.clock.sleep(pause)
        scope = self.venue.broker.capabilities().client_id_scope
        if set(answers) == {Answer.ABSENT} and scope is ClientIdScope.FOR_EVER:
            return Answer.ABSENT
        silence = self.venue.silence.get(attempt.client_order_id)
        why = silence or "the venue does not know it, and may all the same have it"
        raise StoppedError("review", f"{attempt.client_order_id}: {why}")

    def wait(
        self, orders: list[Attempt], timeout: float, reason: str, *, is_stopping: bool = False
    ) -> list[str]:
        """Return once every order has ended, each cancelled when its time is over, or at once.

        What could not be ended is returned, one line each: the venue does not answer, or its fills
        do not add up to what it says has filled.

        Raises:
            StoppedError: a stop was asked for, and `is_stopping` does not say that this is it.

        """
        now = self.clock.monotonic()
        due = {
            each.client_order_id: now
            if each.state.is_cancelling
            else self.sent_at.get(each.client_order_id, now) + timeout
            for each in orders
        }
        cancels: Counter[str] = Counter()
        ended: dict[str, float] = {}
        stuck: list[str] = []
        waiting = list(orders)
        for each in orders if is_stopping else ():  # before anything is asked
            self._cancel(each, reason, due, cancels)
        while True:
            for each in list(waiting):
                if not is_stopping:
                    self.check_stop()
                problem = self.problem(self.venue.observe, each)
                if not problem and not each.state.is_terminal:
                    problem = self._hasten(each, reason, due, cancels, ended)
                stuck += problem
                if problem or each.state.is_terminal:
                    waiting.remove(each)
            if not waiting:
                return stuck
            self.clock.sleep(_POLL_SECONDS)

    def _hasten(
        self,
        attempt: Attempt,
        reason: str,
        due: dict[str, float],
        cancels: Counter[str],
        ended: dict[str, float],
    ) -> list[str]:
        """Cancel an order whose time is over; say so when even that was in vain too often."""
        key, now = attempt.client_order_id, self.clock.monotonic()
        if key in self.venue.ended:
            if now - ended.setdefault(key, now) >= _FILLS_SECONDS:
                return [f"{key}: it has ended, and its fills do not add up"]
        elif now >= due[key]:
            if cancels[key] == _CANCELS:
                silence = self.venue.silence.get(key) or "the venue says that it is open"
                return [f"{key}: cancelled {_CANCELS} times, and it does not end: {silence}"]
            self._cancel(attempt, reason, due, cancels)
        return []

    def _cancel(
        self, attempt: Attempt, reason: str, due: dict[str, float], cancels: Counter[str]
    ) -> None:
        self.venue.cancel(attempt, reason)
        cancels[attempt.client_order_id] += 1
        due[attempt.client_order_id] = self.clock.monotonic() + _CANCEL_SECONDS

    def wind_down(self, reason: str) -> list[str]:
        """Send nothing more and end what is open; say which orders could not be ended, and why."""
        known = [each for each in self.window.unresolved if not each.state.is_fate_unknown]
        stuck = self.wait(known, 0, reason, is_stopping=True)
        for attempt in self.window.unresolved:
            if attempt.state.is_fate_unknown:
                stuck += self._bury(attempt, reason)
        return stuck

    def settle(self) -> list[str]:
        """Ask for every order once more, as a fill counts however late it is; end what is open."""
        stuck = []
        for attempt in self.window.attempts:
            stuck += self.problem(self.venue.find, attempt)
        return stuck + self.wind_down("found open after its end")

    def abandon(self) -> None:
        """Cancel what is open, once, without a record: none can be written."""
        for attempt in self.window.unresolved:
            self.venue.cancel_unrecorded(attempt.client_order_id, attempt.symbol)

    def done(self, attempt: Attempt, state: LegState, reason: str) -> None:
        """Record how an order ended of which the venue has nothing to say."""
        self.venue.journal.write(
            "order_done",
            client_order_id=attempt.client_order_id,
            filled=decimal_text(attempt.filled),
            reason=reason,
            state=state.value,
        )

    @staticmethod
    def problem(ask: Callable[[Attempt], Answer], attempt: Attempt) -> list[str]:
        """Ask for an order; what cannot be explained is returned instead of raised."""
        try:
            ask(attempt)
        except StoppedError as error:
            return [error.reason]
        return []

    def _bury(self, attempt: Attempt, reason: str) -> list[str]:
        """End an order of which nothing is known, and which is not to be sent any more."""
        try:
            if self.resolve(attempt) is Answer.FOUND:
                return self.wait([attempt], 0, reason, is_stopping=True)
        except StoppedError as error:
            return [error.reason]
        self.done(attempt, LegState.NOT_SENT, "the venue never had it")
        return []
