"""All subscriptions of a relay."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

from relaycore.errors import RelayClosed
from relaycore.events import EventReader
from relaycore.onvif.services.events.callbacks import Callback
from relaycore.onvif.services.events.errors import NotSubscribed, TooManySubscriptions
from relaycore.onvif.services.events.filters import Filter
from relaycore.onvif.services.events.messages import Message
from relaycore.onvif.services.events.notifier import Notifier
from relaycore.onvif.services.events.states import States
from relaycore.onvif.services.events.subscription import Subscription

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["DEFAULT_S", "LONGEST_S", "MOST", "MOST_OF_ONE", "Hub"]

MOST: Final = 64
"""Subscriptions at a time."""

MOST_OF_ONE: Final = 16
"""Subscriptions of one user, or of all who are none."""

DEFAULT_S: Final = 600.0
"""Seconds that a subscription lasts where nobody says."""

LONGEST_S: Final = 86_400.0
"""Seconds that it lasts at most; whoever wants more has to renew it."""

SWEEP_S: Final = 5.0
"""Seconds from one look for subscriptions and alarms that have ended to the next."""


class Hub:
    """The subscriptions, which are told what happens at the cameras while there are any.

    All methods are called from the loop. While nobody has subscribed, nothing is looked at.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._states = States(relay)
        self._subscriptions: dict[str, Subscription] = {}
        self._notifiers: dict[str, Notifier] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._held = ExitStack()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(
        self,
        user: str | None,
        wanted: Filter,
        covers: Callable[[str], bool],
        seconds: float | None,
        callback: Callback | None = None,
    ) -> Subscription:
        """A subscription of a user to the cameras that ``covers`` names, which is told of all states first.

        ``covers`` is as for :class:`Subscription`. With ``callback`` it is told there, otherwise it asks.
        TooManySubscriptions where there are.
        """
        self._sweep()
        of_user = sum(other.user == user for other in self._subscriptions.values())
        if len(self._subscriptions) >= MOST or of_user >= MOST_OF_ONE:
            raise TooManySubscriptions("There are as many subscriptions as there may be: end others first.")
        lasts = min(DEFAULT_S if seconds is None else seconds, LONGEST_S)
        # Nobody can guess the name, so that it is as good as a password where there are no users.
        subscription = Subscription(secrets.token_urlsafe(18), user, wanted, covers, lasts)
        if not self._subscriptions:
            self._begin()
        self._subscriptions[subscription.name] = subscription
        if callback is not None:
            self._notifiers[subscription.name] = Notifier(
                subscription, callback, lambda: self.unsubscribe(subscription)
            )
        self.synchronise(subscription)
        return subscription

    def find(self, name: str, user: str | None) -> Subscription:
        """A subscription of a user by its name. NotSubscribed where there is none."""
        self._sweep()
        subscription = self._subscriptions.get(name)
        if subscription is None or subscription.user != user:
            raise NotSubscribed("There is no such subscription: it may have ended.")
        return subscription

    def synchronise(self, subscription: Subscription) -> None:
        """Tells a subscription of all states anew."""
        for message in self._states.all():
            subscription.put(message)

    @staticmethod
    def renew(subscription: Subscription, seconds: float) -> None:
        """Lets a subscription last for so many seconds from now."""
        subscription.renew(min(seconds, LONGEST_S))

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription."""
        subscription.end()
        self._subscriptions.pop(subscription.name, None)
        notifier = self._notifiers.pop(subscription.name, None)
        if notifier is not None:
            notifier.stop()
        if not self._subscriptions:
            self._stop()

    def end_of(self, users: Collection[str]) -> None:
        """Ends what these users have subscribed to: they may have lost the right to it."""
        for subscription in [each for each in self._subscriptions.values() if each.user in users]:
            self.unsubscribe(subscription)

    async def close(self) -> None:
        """Ends all subscriptions."""
        tasks = [*self._tasks, *(notifier.task for notifier in self._notifiers.values())]
        for subscription in list(self._subscriptions.values()):
            self.unsubscribe(subscription)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> None:
        events = self._relay.events()
        self._held.enter_context(self._relay.watching())
        self._states.begin()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._follow(events)), loop.create_task(self._keep_sweeping())]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        with suppress(RelayClosed):
            self._held.close()

    async def _follow(self, events: EventReader) -> None:
        async for event in events:
            self._tell(self._states.take(event))

    def _tell(self, messages: Iterable[Message]) -> None:
        for message in messages:
            for subscription in self._subscriptions.values():
                subscription.put(message)

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._sweep()
            self._tell(self._states.over())

    def _sweep(self) -> None:
        """Ends what has lasted long enough, and calls back where that is not allowed any more."""
        networks = self._relay.config.onvif.callbacks
        barred = {name for name, each in self._notifiers.items() if not each.callback.may_go_on(networks)}
        for name, subscription in list(self._subscriptions.items()):
            if subscription.seconds_left <= 0 or name in barred:
                self.unsubscribe(subscription)
