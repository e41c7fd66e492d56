"""What recorders and home automation ask, in their order, and what they look for in the answers."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relaycore import Relay, User
from relaycore.http_digest import HttpDigest
from tests.support.onvif import Client, client_of, envelope, security

Call = dict[str, Any]

ORDERS: dict[str, list[Call]] = {
    file.stem: tomllib.loads(file.read_text())["calls"]
    for file in sorted((Path(__file__).parent / "onvif_orders").glob("*.toml"))
}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    users = [User(name="nvr", password="secret", role="operator")]
    async with (
        Relay(port=0, users=users, state_folder=str(tmp_path)) as relay,
        client_of(relay) as client,
    ):
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        yield client


@pytest.mark.parametrize("calls", ORDERS.values(), ids=ORDERS)
async def test_each_question_has_the_answer_that_is_looked_for(client: Client, calls: list[Call]) -> None:
    subscription = ""
    for call in calls:
        at = call.get("at", "device_service")
        login = call.get("login", "token")
        header = security("nvr", "secret") if login == "token" else ""
        digest = [HttpDigest("nvr", "secret")] if login == "digest" else None
        answer = await client.post(
            envelope(call["body"], header),
            subscription if at == "subscription" else f"/onvif/{at}",
            digest,
            Content_Type=call.get("type", "application/soap+xml"),
        )
        shown = f"{call['body']}: {answer.status} {answer.subcodes}"
        if "fault" in call:
            assert call["fault"] in answer.subcodes, shown
            assert answer.status >= 400, shown
            continue
        assert answer.status == 200, shown
        for path in call["find"]:
            assert answer.all(path), f"{path} is not in the answer to {shown}"
        address = answer.text(".//tev:SubscriptionReference/wsa:Address")
        if address is not None:
            assert address.startswith(f"{client.base}/onvif/subscription/")
            subscription = address.removeprefix(client.base)


def test_there_are_orders() -> None:
    assert len(ORDERS) == 13
    assert all(ORDERS.values())
