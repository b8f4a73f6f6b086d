"""Seawall: the production-hardening layer between an application and the language-model providers it calls.

What is exported here is promised; everything below may change from one version to the next.
"""

import importlib
import typing

__version__ = "0.1.0"
__all__ = ["Monitor", "__version__", "async_http_client", "http_client", "with_logging"]

if typing.TYPE_CHECKING:
    from seawall.client.call_log import with_logging
    from seawall.client.open import async_http_client, http_client
    from seawall.telemetry.monitor import Monitor
else:
    # Imported on first use: the command line and the gateway's supervisor come through here and need none of it. Type
    # checkers do not see this function, or they would take every name for granted.
    _HOMES = {
        "Monitor": "seawall.telemetry.monitor",
        "async_http_client": "seawall.client.open",
        "http_client": "seawall.client.open",
        "with_logging": "seawall.client.call_log",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'seawall' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
