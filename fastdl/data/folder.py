"""ImageFolder: images in folders that are the classes, as in `torchvision.datasets`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .._base import pictures
from .._base.checks import check_callable, check_flag
from .dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable

IMG_EXTENSIONS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".ppm",
    ".bmp",
    ".pgm",
    ".tif",
    ".tiff",
    ".webp",
)


def default_loader(path: str) -> Any:
    """A file as a Pillow image of mode RGB.

    Raises:
        ImportError: Pillow is missing.
        ValueError: the file cannot be read; the message names it.
    """
    return pictures.read(path, "RGB")


class ImageFolder(Dataset):
    """Images in folders that are the classes; sample i is the pair of an image and a class number.

    Args:
        root: the folder of the classes' folders. Files in folders of these count, too.
        transform: a function of the image, such as one that makes an array of it. A `DataLoader`
            with `num_workers` calls it in several threads.
        target_transform: a function of the class number.
        loader: a function of a file's path that gives the image; unless given it reads a Pillow
            image of mode RGB.
        is_valid_file: a function of a file's path that says whether it counts; unless given, those
            with an image's extension do.
        allow_empty: whether a folder may be without such files.

    Attributes:
        classes: the names of the folders, sorted.
        class_to_idx: the number of each class.
        samples, imgs: the path and class number of each file.
        targets: the class number of each file.

    Raises:
        FileNotFoundError: there are no folders, or one has no valid files.
        ValueError: when an image is read and cannot be; the message names the file.

    Source: `torchvision.datasets.ImageFolder` of torchvision 0.20.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> root = tempfile.mkdtemp()
        >>> os.mkdir(f"{root}/cat")
        >>> Image.new("RGB", (4, 3)).save(f"{root}/cat/1.png")
        >>> folder = ImageFolder(root, transform=np.asarray)
        >>> folder[0][0].shape, folder[0][1], folder.classes
        ((3, 4, 3), 0, ['cat'])
    """

    reads_in_threads = True  # for a DataLoader with num_workers

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        who = "ImageFolder"
        if not isinstance(root, (str, os.PathLike)):
            raise TypeError(f"{who}: root: expected a path, got {type(root).__name__}")
        for argument, function in (
            ("transform", transform),
            ("target_transform", target_transform),
            ("is_valid_file", is_valid_file),
        ):
            if function is not None:
                check_callable(who, argument, function)
        self.root = os.fspath(root)
        self.transform = transform
        self.target_transform = target_transform
        self.loader = check_callable(who, "loader", loader)
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples: list[tuple[str, int]] = []
        empty = []
        for name, number in self.class_to_idx.items():
            valid = is_valid_file or (lambda path: pictures.has_extension(path, IMG_EXTENSIONS))
            found = [
                (path, number)
                for path in pictures.walked(os.path.join(self.root, name), True)
                if valid(path)
            ]
            if not found:
                empty.append(name)
            self.samples += found
        if not check_flag(who, "allow_empty", allow_empty) and empty:
            what = "" if is_valid_file else f"; files that end in {', '.join(IMG_EXTENSIONS)} count"
            raise FileNotFoundError(
                f"{who}: no valid files for the classes {', '.join(empty)} in {self.root!r}{what}"
            )
        self.imgs = self.samples
        self.targets = [number for _, number in self.samples]

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """The names of the classes and the number of each; a subclass may find others.

        Raises:
            FileNotFoundError: there is no folder in the folder.
        """
        classes = pictures.class_folders(directory)
        if not classes:
            raise FileNotFoundError(f"ImageFolder: root: no folder of a class in {directory!r}")
        return classes, {name: i for i, name in enumerate(classes)}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        image = self.loader(path)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def __repr__(self) -> str:
        return f"<ImageFolder: {len(self)} files, {len(self.classes)} classes, in {self.root!r}>"
