"""The configuration that is read again, on change and on SIGHUP, while a session plays on."""

import asyncio
import signal
from pathlib import Path

from tests.support.rtsp import Client, Gaps
from tests.support.server import Server, serve

CAMERA = '[cameras.front]\ncamera = "pattern"\nsize = "320x240"\nfps = 10\nencoder = "libx264"\n'


async def logged(server: Server, message: str) -> None:
    """Waits until the program has logged a message that begins so."""
    await asyncio.to_thread(server.wait_for, message)


async def test_a_session_plays_on_while_the_file_changes_twice(tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(CAMERA)
    with serve(str(file)) as server:
        async with await Client.connect(server.url) as client:
            await client.start(udp=False)
            gaps = Gaps()
            gaps.add(await client.packet())
            file.write_text(CAMERA + '[path_defaults]\njoin = "wait"\n[[users]]\nname = "anna"\n')
            await logged(
                server, f"the configuration stays as it was: {file}:8: users[1].password: it is missing"
            )
            file.write_text(CAMERA + '[path_defaults]\njoin = "wait"\n')
            await logged(server, "path_defaults.join changed")
            server.process.send_signal(signal.SIGHUP)
            await logged(server, "the configuration was read again: nothing has changed")
            for _ in range(30):
                gaps.add(await client.packet())
            assert gaps.jumps == []
