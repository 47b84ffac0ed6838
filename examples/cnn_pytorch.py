"""A small convolutional network on MNIST, as PyTorch users write it: 98.9 % after 3 epochs.

Only the import lines and `@torch.plan`, which takes the place of `@torch.compile`, differ from the
PyTorch program. The data comes from $FASTDL_DATA/mnist, from the cache, or from the network.
"""

import fastdl as torch
import fastdl.nn.functional as F
from fastdl import nn, optim
from fastdl.data import DataLoader, TensorDataset
from fastdl.datasets import mnist

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(32 * 7 * 7, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.norm(self.conv2(x))), 2)
        return self.fc(self.dropout(torch.flatten(x, 1)))


def tensors(images, labels):
    x = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 255
    return TensorDataset(x, torch.tensor(labels, dtype=torch.int64))


(x_train, y_train), (x_test, y_test) = mnist.load_data()
train_loader = DataLoader(tensors(x_train, y_train), batch_size=64, shuffle=True)
test_loader = DataLoader(tensors(x_test, y_test), batch_size=500)

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=2e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.3)
print(model)


@torch.plan
def step(inputs, targets):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss


for epoch in range(3):
    model.train()
    total = 0.0
    for inputs, targets in train_loader:
        total += step(inputs, targets).item() * inputs.size(0)
    scheduler.step()
    print(f"epoch {epoch + 1}: loss {total / len(train_loader.dataset):.4f}")

model.eval()
correct = 0
with torch.no_grad():
    for inputs, targets in test_loader:
        correct += (model(inputs).argmax(dim=1) == targets).sum().item()
accuracy = correct / len(test_loader.dataset)
print(f"test accuracy {accuracy:.4f}")

assert accuracy >= 0.985
