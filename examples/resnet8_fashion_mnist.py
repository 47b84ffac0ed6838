"""ResNet-8 with random flips and shifts, on Fashion-MNIST or on a folder of images.

    python resnet8_fashion_mnist.py                            10 epochs of Fashion-MNIST
    python resnet8_fashion_mnist.py --epochs 2 --samples 6000  a short try
    python resnet8_fashion_mnist.py photos                     photos/cats/*.jpg, photos/dogs/*.jpg

Fashion-MNIST comes from $FASTDL_DATA/fashion_mnist, from the cache, or from the network. Where it
cannot be had, MNIST is used: 99.3 % after 3 epochs. An epoch takes half a minute on two cores. A
folder needs Pillow: pip install 'fastdl[images]'.
"""

import argparse

from fastdl import Sequential, applications, layers, optimizers, utils
from fastdl.datasets import fashion_mnist, mnist

parser = argparse.ArgumentParser(description="ResNet-8 on Fashion-MNIST or a folder of images.")
parser.add_argument("folder", nargs="?", help="a folder with a folder of images for each class")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--samples", type=int, help="of Fashion-MNIST; default: all 60,000")
parser.add_argument("--size", type=int, default=64, help="images of a folder become this size")
parser.add_argument("--batch", type=int, default=128)
args = parser.parse_args()

utils.set_random_seed(0)
if args.folder:
    train, test = utils.image_dataset_from_directory(
        args.folder,
        image_size=(args.size, args.size),
        batch_size=args.batch,
        validation_split=0.2,
        subset="both",
        seed=0,
    )
    names, shape = train.class_names, (args.size, args.size, 3)
    steps, data, mirrored = len(train), {"x": train, "validation_data": test}, True
else:
    try:
        (x, y), test = fashion_mnist.load_data()
        mirrored = True
        names = "T-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()
    except FileNotFoundError as error:
        print(f"{error}\nThis run uses MNIST instead.\n")
        (x, y), test = mnist.load_data()
        mirrored, names = False, list("0123456789")  # a mirrored 2 is no 2
    x, y = x[: args.samples, ..., None], y[: args.samples]
    test = test[0][..., None], test[1]
    shape = x.shape[1:]
    steps = -(-len(x) // args.batch)
    data = {"x": x, "y": y, "batch_size": args.batch, "validation_data": test}

model = Sequential([layers.Input(shape), layers.Rescaling(1 / 255)])
if mirrored:
    model.add(layers.RandomFlip("horizontal"))
model.add(layers.RandomTranslation(0.08, 0.08, fill_mode="nearest"))
model.add(applications.ResNet8(shape, classes=len(names)))
rate = optimizers.schedules.CosineDecay(3e-3, decay_steps=args.epochs * steps)
model.compile(
    optimizers.AdamW(rate, weight_decay=1e-3),
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()
model.fit(**data, epochs=args.epochs)

loss, accuracy = model.evaluate(*(test if isinstance(test, tuple) else (test,)), verbose=0)
print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}, {len(names)} classes: {names}")
assert accuracy > 1.5 / len(names)
