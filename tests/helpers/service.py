"""A stand-in for the running service, for tests of a single component."""

from tollspan.collector.events import Counters
from tollspan.collector.http_server import HTTPServer


class StandInHost:
    """Gives a component what a Host gives; the test starts and stops the listeners."""

    component_id = "test"
    durable_downstream = False

    def __init__(self, **extensions):
        self.counters = Counters()
        self.http_servers = {}
        self._extensions = extensions

    def http_server(self, endpoint):
        return self.http_servers.setdefault(endpoint, HTTPServer(endpoint))

    def extension(self, component_id):
        return self._extensions[component_id]

    def conditions(self):
        return {}

    def fail(self, error):
        raise error
