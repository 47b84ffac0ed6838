"""A training loop as PyTorch users write it, on the bundled handwritten digits.

Only the import lines differ from the PyTorch program.
"""

import fastdl as torch
import fastdl.nn.functional as F
from fastdl import nn, optim
from fastdl.data import DataLoader, TensorDataset
from fastdl.datasets import digits

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def tensors(images, labels):
    x = torch.tensor(images, dtype=torch.float32).reshape(len(images), 64) / 16
    return TensorDataset(x, torch.tensor(labels, dtype=torch.int64))


(x_train, y_train), (x_test, y_test) = digits.load_data()
train_loader = DataLoader(tensors(x_train, y_train), batch_size=32, shuffle=True)
test_loader = DataLoader(tensors(x_test, y_test), batch_size=256)

model = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
print(model)

losses = []
for epoch in range(15):
    model.train()
    total = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * inputs.size(0)
    losses.append(total / len(train_loader.dataset))
    print(f"epoch {epoch + 1:2d}: loss {losses[-1]:.4f}")

model.eval()
correct = 0
with torch.no_grad():
    for inputs, targets in test_loader:
        correct += (model(inputs).argmax(dim=1) == targets).sum().item()
accuracy = correct / len(test_loader.dataset)
print(f"test accuracy {accuracy:.4f}")

assert losses[-1] < losses[0] / 10 and accuracy > 0.95
