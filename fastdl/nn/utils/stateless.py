"""`torch.nn.utils.stateless`: the older place of `func.functional_call`."""

from ...func.modules import functional_call as functional_call
