"""RemoteMonitor: sends the logs of each epoch to a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from .._base.checks import check_flag, check_name, shown
from .._base.notices import warn
from .callback import Callback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._base.types import Logs

_TIMEOUT_SECONDS = 10


class RemoteMonitor(Callback):
    """Sends the number and the logs of each epoch to a server, with a POST request.

    Training goes on if the server cannot be reached; a warning says so.

    Args:
        root, path: the address.
        field: the name of the form's field that has the JSON.
        headers: further headers of the request by name.
        send_as_json: whether the request is the JSON itself, and no form.

    Raises:
        ValueError: an argument is no text, or the address is none of HTTP.

    Source: `keras.callbacks.RemoteMonitor` of Keras 3.

    Example:
        >>> fastdl.callbacks.RemoteMonitor(root="http://localhost:9000").path
        '/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        who = "RemoteMonitor"
        self.root = check_name(who, "root", root) or ""
        if not self.root.startswith(("http://", "https://")):
            raise ValueError(f"{who}: root: expected an address of HTTP, got {shown(root)}")
        self.path = check_name(who, "path", path) or ""
        if not self.path.startswith("/"):
            raise ValueError(
                f"{who}: path: expected a text that begins with '/', got {shown(path)}"
            )
        self.field = check_name(who, "field", field) or "data"
        try:
            self.headers = {str(name): str(value) for name, value in dict(headers or {}).items()}
        except (TypeError, ValueError):
            raise ValueError(f"{who}: headers: expected a dict, got {shown(headers)}") from None
        self.send_as_json = check_flag(who, "send_as_json", send_as_json)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        from http.client import HTTPException
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        values = {name: float(np.asarray(value).item()) for name, value in (logs or {}).items()}
        text = json.dumps({"epoch": epoch, **values})
        kind, body = "application/json", text
        if not self.send_as_json:
            kind, body = "application/x-www-form-urlencoded", urlencode({self.field: text})
        headers = {"Content-Type": kind, **self.headers}
        try:
            request = Request(self.root + self.path, body.encode(), headers, method="POST")
            with urlopen(request, timeout=_TIMEOUT_SECONDS):
                pass
        except (OSError, HTTPException, ValueError) as error:
            warn(f"RemoteMonitor: could not send the logs to {self.root + self.path}: {error}")
