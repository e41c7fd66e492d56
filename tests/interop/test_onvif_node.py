"""A camera as npm's onvif uses it, which reads answers by no WSDL and has a way of its own to log in."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import av

from relaycore import Relay
from relaycore.settings import User

PROGRAM = Path(__file__).parent / "clients" / "node" / "use-onvif.mjs"
TIMEOUT = 60.0
OPERATOR = User(name="anna", password="anna's secret", role="operator")


def first_picture(url: str) -> tuple[int, int]:
    with av.open(url.replace("://", "://anna:anna's%20secret@"), options={"rtsp_transport": "tcp"}) as stream:
        frame = next(stream.decode(video=0))
        return frame.width, frame.height


async def test_a_camera_is_found_out_about_changed_moved_and_listened_to(tmp_path: Path) -> None:
    async with Relay(port=0, users=[OPERATOR], state_folder=str(tmp_path)) as relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("yard", camera="pattern", size="320x180", microphone="none")
        host, port = relay.address
        arguments = [str(port), OPERATOR.name, str(OPERATOR.password)]
        client = await asyncio.create_subprocess_exec(
            "node", PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            printed, complaints = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
        assert client.returncode == 0, complaints.decode()
        found = json.loads(printed)
        size = {"width": 320, "height": 180}
        assert found["media2"]
        assert found["profiles"] == [["yard/main", "H264", size], ["yard/sub", "H264", size]]
        assert found["stream"] == f"rtsp://{host}:{port}/yard"
        assert found["snapshot"] == f"http://{host}:{port}/yard/snapshot.jpg"
        assert found["bitrate"] == 700
        assert relay.encoder("yard").bitrate == 700_000
        assert found["govLengths"] == [30, 30]
        assert found["offered"] == "H264"
        assert found["moving"] == {"panTilt": "MOVING", "zoom": "IDLE"}
        assert found["presets"] == ["Door"]
        assert found["position"] == {"x": 0.25, "y": -0.25, "zoom": 0.5}
        assert found["topics"] == [
            "tns1:RuleEngine/CellMotionDetector/Motion",
            "tns1:VideoSource/GlobalSceneChange/ImagingService",
            "tns1:VideoSource/ImageTooDark/ImagingService",
            "tns1:VideoSource/MotionAlarm",
        ]
        assert await asyncio.to_thread(first_picture, found["stream"]) == (320, 180)
