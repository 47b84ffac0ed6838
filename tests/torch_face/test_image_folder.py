"""ImageFolder has the attributes and the order of torchvision's."""

import threading

import numpy as np
import pytest

from fastdl import data, nn, optim

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def root(tmp_path):
    for i, name in enumerate(("b", "a", "c/deep")):
        (tmp_path / name).mkdir(parents=True)
        for j in range(2):
            Image.new("L", (5, 4), 10 * i + j).save(tmp_path / name / f"{j}.PNG")
    (tmp_path / "a" / "text.txt").write_text("no image")
    (tmp_path / "loose.png").write_text("of no class")
    return tmp_path


def pixels(image):
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255


def test_classes_and_samples(root):
    folder = data.ImageFolder(root)
    assert folder.classes == ["a", "b", "c"]
    assert folder.class_to_idx == {"a": 0, "b": 1, "c": 2}
    assert folder.targets == [0, 0, 1, 1, 2, 2]
    names = ["a/0.PNG", "a/1.PNG", "b/0.PNG", "b/1.PNG", "c/deep/0.PNG", "c/deep/1.PNG"]
    expected = [(str(root / n), t) for n, t in zip(names, folder.targets, strict=True)]
    assert folder.samples == folder.imgs == expected and len(folder) == 6
    image, target = folder[3]
    assert image.mode == "RGB" and image.size == (5, 4) and target == 1
    assert image.getpixel((0, 0)) == (1, 1, 1)


def test_functions(root):
    folder = data.ImageFolder(
        root,
        transform=len,
        target_transform=lambda target: target + 10,
        loader=lambda path: path,
        is_valid_file=lambda path: path.endswith(("1.PNG", ".txt")),
    )
    assert folder[0] == (len(str(root / "a/1.PNG")), 10) and len(folder) == 4


def test_in_a_loader(root):
    folder = data.ImageFolder(root, transform=pixels)
    loader = data.DataLoader(folder, batch_size=4, shuffle=True)
    shapes = [(x.shape, y.shape) for x, y in loader]
    assert shapes == [((4, 3, 4, 5), (4,)), ((2, 3, 4, 5), (2,))]
    model = nn.Sequential(nn.Flatten(), nn.Linear(60, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(model(x), y).backward()
        optimizer.step()


def test_threads_change_nothing_but_the_time(root):
    folder = data.ImageFolder(root, transform=pixels)

    def batches(dataset, workers, **options):
        loader = data.DataLoader(dataset, batch_size=2, num_workers=workers, **options)
        return [(x.tolist(), y.tolist()) for x, y in loader]

    part = data.Subset(folder, [5, 1, 3])
    for dataset in (folder, part):
        expected = batches(dataset, 0)
        assert batches(dataset, 1) == batches(dataset, 3, prefetch_factor=5) == expected
    with_sampler = data.DataLoader(folder, batch_sampler=[[0, 4], [1]], num_workers=2)
    assert [y.tolist() for _, y in with_sampler] == [[0, 2], [0]]


def test_samples_are_made_in_threads_and_errors_come_in_order(root):
    names = set()

    def transform(image):
        names.add(threading.current_thread().name)
        if image.getpixel((0, 0))[0] == 20:  # the fifth file
            raise RuntimeError("twenty")
        return pixels(image)

    loader = data.DataLoader(data.ImageFolder(root, transform), batch_size=1, num_workers=2)
    passing = iter(loader)
    assert [next(passing)[1].item() for _ in range(4)] == [0, 0, 1, 1]
    with pytest.raises(RuntimeError, match="twenty"):
        next(passing)
    assert all(name.startswith("fastdl-images") for name in names)


def test_errors(root, tmp_path):
    (root / "a/0.PNG").write_bytes((root / "a/0.PNG").read_bytes()[:50])
    with pytest.raises(ValueError, match=r"cannot read the image '.*a/0\.PNG'"):
        data.ImageFolder(root)[0]
    (root / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no valid files for the classes empty in"):
        data.ImageFolder(root)
    assert data.ImageFolder(root, allow_empty=True).class_to_idx["empty"] == 3
    with pytest.raises(FileNotFoundError, match="no folder of a class"):
        data.ImageFolder(root / "empty")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.ImageFolder(root / "nowhere")
    with pytest.raises(TypeError, match="ImageFolder: root: expected a path, got int"):
        data.ImageFolder(3)
    for argument in ("transform", "target_transform", "loader", "is_valid_file"):
        with pytest.raises((TypeError, ValueError), match=f"ImageFolder: {argument}: .*'text'"):
            data.ImageFolder(root, **{argument: "text"})
    with pytest.raises(ValueError, match=r"ImageFolder: allow_empty: .*'no'"):
        data.ImageFolder(root, allow_empty="no")
    with pytest.raises(IndexError):
        data.ImageFolder(root, allow_empty=True)[9]
