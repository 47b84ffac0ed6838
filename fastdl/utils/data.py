"""`fastdl.data` under the name PyTorch programs import it by: `fastdl.utils.data`."""

from ..data import *  # noqa: F403
