"""Ready networks for images, small and documented, with random or loaded weights.

Each function returns a functional model that is not compiled.
"""

from .dscnn import DSCNN as DSCNN
from .lenet import LeNet5 as LeNet5
from .mobilenet import MobileNet as MobileNet
from .mobilenet import MobileNetV2 as MobileNetV2
from .resnet import ResNet8 as ResNet8
from .resnet import ResNet18 as ResNet18
from .resnet import ResNet20 as ResNet20
from .unet import UNet as UNet
from .vgg import VGG as VGG
from .vgg import VGG16 as VGG16
from .vgg import VGG19 as VGG19
