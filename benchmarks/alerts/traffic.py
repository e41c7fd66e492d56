"""Eight weeks of a made-up site: people, recorders, and from the fifth week on attacks, with labels.

What is not labelled is innocent, and much of it looks like an attack: people mistype, move, work at night,
sit behind one address, come in crowds; recorders try a password that has changed for hours; the relay is
started again. What it makes is the same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from relaycore.alerts.model import CameraPicture, Gone, Happening, There
from relaycore.alerts.places import DAY_MS, HOUR_MS, MINUTE_MS
from relaycore.ledger.records import Opening, Record, Refusal, Session

__all__ = ["Incident", "Traffic", "camera_traffic", "traffic"]

START: Final = 20_699 * DAY_MS
"""A Monday in UTC."""

DAYS: Final = 56

LEARNED: Final = 28
"""Days before the first attack."""

SECOND: Final = 1000

OFFICE: Final = "203.0.113.0/24"
BRANCH: Final = "203.0.114.0/24"
CAMERAS: Final = tuple(f"camera{number}" for number in range(8))
MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that people should be told of: by ``rule``, about one of the subjects, in this time."""

    rule: str
    subjects: frozenset[str]
    begin: int
    end: int


@dataclass(slots=True)
class Traffic:
    """Records or what cameras do, and the incidents among them."""

    records: list[Record] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def label(self, rule: str, begin: int, end: int, *subjects: str) -> None:
        """Says that something is an incident."""
        self.incidents.append(Incident(rule, frozenset(subjects), begin, end))


class _Site:
    """Makes records. ``chance`` decides all that is left to chance, the ids among it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.made = Traffic()
        self.starts = sorted(START + self.chance.randrange(DAYS * DAY_MS) for _ in range(3))
        """When the relay is started again, which ends all sessions."""

    def id(self) -> str:
        return f"{self.chance.getrandbits(64):016x}"

    def network(self) -> str:
        """A network that nobody else has."""
        pick = self.chance.randrange
        return f"{pick(11, 190)}.{pick(256)}.{pick(256)}.0/24"

    def watch(
        self,
        subject: str | None,
        network: str,
        at: int,
        lasts: int,
        *,
        path: str | None = None,
        mbit: float = 2.0,
        discarded: int = 0,
    ) -> None:
        """A session. A start of the relay cuts it in two."""
        end = at + max(lasts, 100)
        for start in self.starts:
            if at < start < end and subject is not None:
                pause = self.chance.randrange(2_000, 60_000)
                self.watch(subject, network, start + pause, end - start, path=path, mbit=mbit)
                end = start
                break
        opening = Opening(
            at=at,
            id=self.id(),
            subject=subject,
            role=None if subject is None else "viewer",
            purpose=None,
            action="read",
            path=path or self.chance.choice(CAMERAS),
            protocol="rtsp",
            transport="tcp",
            client="Lavf",
            network=network,
            begun=at,
        )
        fields = {
            name: getattr(opening, name) for name in Opening.__struct_fields__ if name not in ("at", "number")
        }
        size = int(mbit * MB / 8 * (end - at) / SECOND)
        ended = Session(
            at=end, to=end, bytes=size, discarded=discarded, first_picture_ms=50, reason="it ended", **fields
        )
        self.made.records += [opening, ended]

    def wrong(self, subject: str | None, network: str, at: int) -> None:
        """A wrong password."""
        self.made.records.append(
            Refusal(
                at=at,
                id=self.id(),
                subject=subject,
                action="read",
                path="camera0",
                protocol="rtsp",
                client=None,
                network=network,
                status=401,
                reason="Wrong password or user",
            )
        )

    def come_in(self, subject: str, network: str, at: int, lasts: int, slip: float = 0.05) -> None:
        """A session, with a wrong password or two before it now and then."""
        while self.chance.random() < slip:
            self.wrong(subject, network, at)
            at += self.chance.randrange(3_000, 30_000)
        self.watch(subject, network, at, lasts)


def traffic(seed: int = 1) -> Traffic:
    """The records of a ledger, in their order, and its incidents."""
    site = _Site(seed)
    office = [_Person(site, f"office{number}") for number in range(40)]
    for person in office:
        person.work(range(DAYS))
    _shifts(site)
    _recorders(site)
    _look_alikes(site)
    _attacks(site, office)
    made = site.made
    made.records.sort(key=lambda record: record.at)
    return made


class _Person:
    """Works in the office on weekdays, at hours of an own, watches from home and from a telephone, too."""

    def __init__(self, site: _Site, name: str) -> None:
        chance = site.chance
        self.site, self.name = site, name
        self.home = site.network()
        self.mobile = [site.network() for _ in range(3)]
        self.begins = chance.choice((6, 7, 8, 9))
        self.desk: dict[int, tuple[int, int]] = {}
        """By day: when a session at the desk begins and how long it lasts."""

    def work(self, days: range) -> None:
        chance, site = self.site.chance, self.site
        for day in days:
            midnight = START + day * DAY_MS
            if day % 7 >= 5 or chance.random() < 0.1:
                continue
            begins = midnight + self.begins * HOUR_MS + chance.randrange(40) * MINUTE_MS
            lasts = chance.randrange(3, 7) * HOUR_MS
            self.desk[day] = begins, lasts
            site.come_in(self.name, OFFICE, begins, lasts)
            for _ in range(chance.randrange(4)):
                at = begins + chance.randrange(8 * HOUR_MS)
                # On the way, a network is left before the session in it has ended.
                where = chance.choice([OFFICE, OFFICE, self.home, *self.mobile])
                length = chance.randrange(1, 20) * MINUTE_MS
                site.come_in(self.name, where, at, length)
                if where in self.mobile:
                    site.come_in(
                        self.name, chance.choice(self.mobile), at + length - 40 * SECOND, 5 * MINUTE_MS
                    )
            if chance.random() < 0.3:
                site.come_in(
                    self.name, self.home, midnight + 19 * HOUR_MS + chance.randrange(HOUR_MS), HOUR_MS
                )


def _shifts(site: _Site) -> None:
    """Guards whose shift is another one each week: early, late, night."""
    for number in range(9):
        network = f"198.18.{number % 3}.0/24"
        for day in range(DAYS):
            if day % 7 >= 5 + number % 2:
                continue
            begins = (5, 13, 21)[(day // 7 + number) % 3]
            at = START + day * DAY_MS + begins * HOUR_MS + site.chance.randrange(20) * MINUTE_MS
            for step in range(8):
                site.come_in(f"guard{number}", network, at + step * HOUR_MS, 50 * MINUTE_MS, 0.02)


def _recorders(site: _Site) -> None:
    """Read for days, and connect anew at any hour; one of them every few minutes, by a bad network."""
    for number in range(5):
        network, at = f"198.19.{number}.0/24", START + number * HOUR_MS
        while at < START + DAYS * DAY_MS:
            lasts = site.chance.randrange(HOUR_MS, 4 * DAY_MS)
            site.watch(f"recorder{number}", network, at, lasts, mbit=4.0, path=CAMERAS[number])
            at += lasts + site.chance.randrange(5 * SECOND, 60 * SECOND)
    at = START
    while at < START + DAYS * DAY_MS:
        lasts = site.chance.randrange(20 * MINUTE_MS, 3 * HOUR_MS)
        site.watch("recorder9", "198.19.9.0/24", at, lasts, mbit=1.0, discarded=site.chance.randrange(200))
        at += lasts + 20 * SECOND


def _look_alikes(site: _Site) -> None:
    """What happens now and then and means no harm."""
    chance = site.chance
    for week in range(8):
        monday = START + week * 7 * DAY_MS
        # All passwords were to be changed: half of the office mistypes on one morning.
        if week % 2:
            for number in range(20):
                at = monday + 8 * HOUR_MS + chance.randrange(30) * MINUTE_MS
                site.come_in(f"office{number}", OFFICE, at, HOUR_MS, 0.6)
        # A recorder does not know of the new password for a while, a device asks as somebody who is gone.
        for step in range(600):
            site.wrong("recorder1", "198.19.1.0/24", monday + DAY_MS + step * 30 * SECOND)
            site.wrong(None, OFFICE, monday + 2 * DAY_MS + step * 45 * SECOND)
        # A meeting that many watch each week, and an open day that fills slowly.
        at = monday + 3 * DAY_MS + 14 * HOUR_MS
        for _ in range(chance.randrange(120, 150)):
            site.watch(None, site.network(), at + chance.randrange(8 * MINUTE_MS), HOUR_MS, path="meeting")
        for _ in range(200):
            site.watch(None, site.network(), at + chance.randrange(5 * HOUR_MS), HOUR_MS, path="openday")
        # Share links, used by one or two people on the way, or by a whole office.
        for number in range(6):
            link, at = f"share:{week}{number}", monday + chance.randrange(6 * DAY_MS)
            for _ in range(chance.randrange(1, 5)):
                site.watch(link, site.network(), at + chance.randrange(3 * HOUR_MS), 10 * MINUTE_MS)
        for _ in range(30):
            site.watch(
                f"share:{week}team", BRANCH, monday + 10 * HOUR_MS + chance.randrange(HOUR_MS), HOUR_MS
            )
    # New people in a new office: they come for the first time, and some mistype.
    for office, day in enumerate((15, 36, 50)):
        for number in range(15):
            at = START + day * DAY_MS + 8 * HOUR_MS + chance.randrange(HOUR_MS)
            site.come_in(f"new{office}-{number}", f"203.0.{120 + office}.0/24", at, HOUR_MS, 0.3)
    # Journeys: another network, and hours of another place.
    for number in (38, 39):
        for day in range(30, 36):
            at = START + day * DAY_MS + (2 + number % 2) * HOUR_MS
            site.come_in(f"office{number}", site.network(), at, 20 * MINUTE_MS)
    # An inspection: somebody looks at all cameras, twice as long as ever.
    for number in range(6):
        for step in range(16):
            at = START + (30 + number * 4) * DAY_MS + 9 * HOUR_MS + step * 10 * MINUTE_MS
            site.watch(f"guard{number}", f"198.18.{number % 3}.0/24", at, 10 * MINUTE_MS, mbit=4.0)
    # Readers with a weak radio, which miss something now and then.
    for number in range(20):
        for day in range(DAYS):
            at = START + day * DAY_MS + chance.randrange(DAY_MS)
            for _ in range(chance.randrange(3)):
                site.watch(f"weak{number}", f"198.51.{number}.0/24", at, 8 * MINUTE_MS, discarded=30)
                at += 9 * MINUTE_MS


def _attacks(site: _Site, office: list[_Person]) -> None:
    """From the fifth week on."""
    chance, label = site.chance, site.made.label
    for number in range(16):
        begin = _moment(site)
        # From 4 accounts in minutes to 30, some slowly, some among names that nobody has.
        accounts = chance.sample(range(40), chance.choice((4, 6, 8, 12, 20, 30)))
        pause = chance.choice((5, 20, 60, 300, 900, 1800)) * SECOND
        network = site.network()
        for step, account in enumerate(accounts):
            site.wrong(f"office{account}", network, begin + step * pause)
            for _ in range(number % 4 * 3):
                site.wrong(None, network, begin + step * pause + chance.randrange(pause))
        label("spraying", begin, begin + len(accounts) * pause, network)
    for person in chance.sample(office, 16):
        # Somebody else has the password, and watches while the owner does.
        begun, lasts = person.desk[chance.choice([day for day in person.desk if day > LEARNED])]
        begin, strange = begun + chance.randrange(lasts // 2), site.network()
        length = chance.choice((1, 5, 20, 60)) * MINUTE_MS
        site.watch(person.name, strange, begin, length)
        label("networks", begin, begin + length + 10 * MINUTE_MS, person.name)
    for person in chance.sample(office, 16):
        # Or at night.
        begin = START + chance.randrange(LEARNED, DAYS - 1) * DAY_MS + chance.randrange(0, 4) * HOUR_MS
        site.watch(person.name, site.network(), begin, 30 * MINUTE_MS)
        label("hour", begin, begin + HOUR_MS, person.name)
    for person in chance.sample(office, 16):
        # Or in the hours of work, but all that there is: many cameras at once, or one after another.
        begun, _ = person.desk[chance.choice([day for day in person.desk if day > LEARNED])]
        times = chance.choice((20, 60, 120))
        for step in range(times):
            site.watch(
                person.name, OFFICE, begun + step * 20 * SECOND, chance.choice((5, 60)) * MINUTE_MS, mbit=8.0
            )
        label("amount", begun, begun - begun % DAY_MS + DAY_MS, person.name)
    for number in range(12):
        # A link that was passed on, in some cases slowly.
        link, begin = f"share:posted{number}", _moment(site)
        spread = chance.choice((20, 60, 300)) * MINUTE_MS
        for _ in range(chance.randrange(8, 40)):
            site.watch(link, site.network(), begin + chance.randrange(spread), 10 * MINUTE_MS)
        label("shared_link", begin, begin + spread, link)
    for number in range(8):
        # A path that got around.
        path, begin = CAMERAS[number], _moment(site)
        for _ in range(chance.choice((20, 60, 150))):
            site.watch(
                None, site.network(), begin + chance.randrange(6 * MINUTE_MS), 30 * MINUTE_MS, path=path
            )
        label("viewers", begin, begin + HOUR_MS, path)
    for number in range(12):
        # A network that is too narrow: the reader is too slow again and again.
        begin, network, path = _moment(site), site.network(), chance.choice(CAMERAS)
        for step in range(20):
            pause = chance.randrange(20, 150)
            at = begin + step * 150 * SECOND
            site.watch(f"narrow{number}", network, at, pause * SECOND, path=path, discarded=500)
        label("shed", begin, begin + 20 * 150 * SECOND + HOUR_MS, f"narrow{number}")


def _moment(site: _Site) -> int:
    return START + LEARNED * DAY_MS + site.chance.randrange((DAYS - LEARNED - 1) * DAY_MS)


def camera_traffic(seed: int = 1, cameras: int = 60) -> Traffic:
    """Half an hour of each of some cameras, and what becomes of three in ten; each has a path of its own."""
    chance, made = random.Random(seed), Traffic()
    for number in range(cameras):
        path, what = f"camera{number}", number % 10
        made.happenings += _half_hour(path, what, chance, made)
    made.happenings.sort(key=lambda happening: happening.at)
    return made


def _half_hour(path: str, what: int, chance: random.Random, made: Traffic) -> Iterator[Happening]:
    """What a camera does.

    0: it is stuck; 1: covered; 2: gone; 3: an evening; 4: night from the start; 5: short gaps; 6: it hangs
    for some seconds; 7: a lamp goes out; the others: nothing.
    """
    noise = chance.choice((2, 3, 6))
    begin = START + chance.randrange(HOUR_MS)
    grains = np.random.default_rng(chance.getrandbits(32))
    scene = grains.integers(60, 200, 576)
    stuck = grains.integers(0, noise, 576)
    for second in range(1800):
        at = begin + second * SECOND
        late = second >= 600
        if late and second == 600 and what in (0, 1, 2):
            rule = ("camera_frozen", "camera_dark", "camera_lost")[what]
            made.label(rule, at, at + 20 * MINUTE_MS, path)
        if what == 2 and late:
            if second == 600:
                yield Gone(at, path, "it was unplugged")
            continue
        if what == 5 and second % 300 in range(4):
            yield (Gone if second % 300 == 0 else There)(at, path, *(["a gap"] if second % 300 == 0 else []))
            continue
        light = 1.0
        if what == 1 and late:
            light = 0.02
        elif what == 3:
            light = max(0.03, 1 - second / 1700)
        elif what == 4:
            light = 0.04
        elif what == 7 and late:
            light = 0.25
        still = (what == 0 and late) or (what == 6 and second % 400 < 30)
        luma = (scene * light).astype(int) + (stuck if still else grains.integers(0, noise, 576))
        yield CameraPicture(at, path, luma.clip(0, 255).astype(np.uint8).tobytes(), float(luma.mean()))
