"""What rules demand of one answer."""

from __future__ import annotations

from relaycore.doctor.client import Answer
from relaycore.doctor.findings import Broken, Untried
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["need_header", "need_method", "need_status"]


def need_status(answer: Answer, *wanted: int) -> None:
    """Broken when the answer has another status."""
    if answer.status not in wanted:
        raise Broken(
            Message(
                "The answer is {status} and not {wanted}.",
                status=answer.status,
                wanted="/".join(map(str, wanted)),
            )
        )


def need_header(answer: Answer, name: str) -> str:
    """The value of a header. Broken when the answer has none."""
    value = answer.get(name.lower())
    if not value:
        raise Broken(Message("The answer has no {header}.", header=name))
    return value


async def need_method(visit: Visit, name: str) -> None:
    """Untried when the server does not say that it has a method."""
    client = await visit.connect()
    answer = await client.request("OPTIONS", visit.url)
    if name not in [method.strip() for method in (answer.get("public") or "").split(",")]:
        raise Untried(Message("The server does not have this."))
