"""Which proxy the environment names for a URL."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from tollspan.oauth2.loopback import is_loopback


def find_proxy(url: str) -> str | None:
    """The proxy that the environment names for `url` (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`)."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"
