"""The language that a person is spoken to in.

Texts stand in the code in English, which is what programs and logs get. The catalogues of the package's
folder ``locale`` hold the same texts in other languages (gettext); :mod:`babel` knows plurals, numbers and
dates of each (CLDR).

- ``_("Encrypted as well.")`` is the text in the language of whoever is spoken to now, and
  ``_n("{count} viewer", "{count} viewers", count)`` the same with a number in it.
- ``Message("There is no path {path}.", path=path)`` is English, and can still be shown in any language:
  errors are made of messages, so that a program and a log read English and a person reads
  ``shown(error)``. ``message_n`` is the same with a number.

Values are named in braces and given by name, since their order differs between languages; a sentence is one
message, never put together from pieces. Who is spoken to is known to the task (:mod:`contextvars`):
:func:`using` sets the language for a block, and all tasks that are begun in it have it, too. Threads have it
where :func:`asyncio.to_thread` runs them.

Nothing of Babel and no catalogue is loaded before a language other than English is used.
"""

from relaycore.language.choice import (
    PSEUDO,
    SOURCE,
    current,
    direction,
    html_tag,
    known,
    languages,
    name_of,
    negotiate,
    of_environment,
    using,
)
from relaycore.language.figures import day, moment, number, percent
from relaycore.language.message import Message, _, _n, message_lines, message_n, message_of, parts_of, shown

__all__ = [
    "PSEUDO",
    "SOURCE",
    "Message",
    "_",
    "_n",
    "current",
    "day",
    "direction",
    "html_tag",
    "known",
    "languages",
    "message_lines",
    "message_n",
    "message_of",
    "moment",
    "name_of",
    "negotiate",
    "number",
    "of_environment",
    "parts_of",
    "percent",
    "shown",
    "using",
]
