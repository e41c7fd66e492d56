"""The second rendition of a camera, at PATH/sub, as one of the renditions of its path.

It is made in the camera's pipeline, from the same pictures, and lasts while somebody reads it.
"""

from __future__ import annotations

import asyncio

from relaycore._relaycore import Stream
from relaycore.access.rules import SUB
from relaycore.errors import RelaycoreError, SourceError
from relaycore.paths.host import CameraRenditions

__all__ = ["SubRendition"]


class SubRendition:
    """Runs from its making until ``stop``. In the loop."""

    def __init__(self, path: str, cameras: CameraRenditions) -> None:
        self.path = path + SUB
        self._camera, self._cameras = path, cameras
        self._beginning = asyncio.get_running_loop().create_task(self._begin())

    async def ready(self) -> Stream:
        """Waits until it can be read. SourceError when it cannot be made."""
        # Others wait, too: whoever gives up must not end it for them.
        return await asyncio.shield(self._beginning)

    @property
    def stream(self) -> Stream | None:
        """The stream, once it has begun."""
        task = self._beginning
        done = task.done() and not task.cancelled() and task.exception() is None
        return task.result() if done else None

    async def stop(self) -> None:
        """Ends it."""
        await asyncio.gather(self._beginning, return_exceptions=True)
        await self._cameras.end_sub(self._camera)

    async def _begin(self) -> Stream:
        try:
            return await self._cameras.begin_sub(self._camera)
        except RelaycoreError as error:
            raise SourceError(str(error)) from error
