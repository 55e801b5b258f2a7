"""What an application is built from belongs to it alone."""

import dataclasses

from tollspan.gateway.web.parts import LIVE_STREAMS_MAX, Parts


async def test_every_application_has_its_own_places_for_live_streams(parts):
    given = {
        field.name: getattr(parts, field.name)
        for field in dataclasses.fields(Parts)
        if field.default_factory is dataclasses.MISSING
    }
    other = Parts(**given)
    for _ in range(LIVE_STREAMS_MAX):
        await parts.live_places.acquire()

    assert parts.live_places.locked()
    assert not other.live_places.locked()
