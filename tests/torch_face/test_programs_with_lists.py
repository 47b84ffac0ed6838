"""Programs that build a graph from lists of small tensors, as tutorials of PyTorch do."""

import itertools

import numpy as np
import pytest

import fastdl as torch
from fastdl import nn, optim
from fastdl.autograd import Variable

WORDS, TAGS = 6, 3
START, STOP = TAGS, TAGS + 1
SENTENCE, GOLD = [0, 3, 1, 5], [2, 0, 1, 1]


def log_sum_exp(row):
    """Of a row of shape (1, n); the largest value is read as a Python number."""
    _, place = torch.max(row, 1)
    largest = row[0, place.item()]
    return largest + torch.log(
        torch.sum(torch.exp(row - largest.view(1, -1).expand(1, row.size(1))))
    )


class Tagger(nn.Module):
    """A bidirectional LSTM that scores tags, and a conditional random field over them."""

    def __init__(self):
        super().__init__()
        self.embed, self.lstm = nn.Embedding(WORDS, 4), nn.LSTM(4, 3, bidirectional=True)
        self.to_tags = nn.Linear(6, TAGS + 2)
        self.steps = nn.Parameter(
            torch.randn(TAGS + 2, TAGS + 2)
        )  # to a row's tag, from a column's
        self.steps.data[START, :] = -10000
        self.steps.data[:, STOP] = -10000

    def scores(self, words):
        state = tuple(Variable(torch.zeros(2, 1, 3)) for _ in range(2))
        x, self.state = self.lstm(self.embed(words).view(len(words), 1, -1), state)
        return self.to_tags(x.view(len(words), 6))

    def all_paths(self, scores):
        row = torch.Tensor(1, TAGS + 2).fill_(-10000.0)
        row[0][START] = 0.0
        for score in scores:
            now = []
            for tag in range(TAGS + 2):
                emitted = score[tag].view(1, -1).expand(1, TAGS + 2)
                now.append(log_sum_exp(row + self.steps[tag].view(1, -1) + emitted).view(1))
            row = torch.cat(now).view(1, -1)
        return log_sum_exp(row + self.steps[STOP])

    def one_path(self, scores, tags):
        total = torch.zeros(1)
        tags = torch.cat([torch.tensor([START], dtype=torch.long), tags])
        for i, score in enumerate(scores):
            total = total + self.steps[tags[i + 1], tags[i]] + score[tags[i + 1]]
        return total + self.steps[STOP, tags[-1]]

    def best_path(self, scores):
        row = torch.full((1, TAGS + 2), -10000.0)
        row[0][START] = 0
        chosen = []
        for score in scores:
            rows = [row + self.steps[tag] for tag in range(TAGS + 2)]
            places = [torch.max(r, 1)[1].item() for r in rows]
            row = torch.cat([r[0][p].view(1) for r, p in zip(rows, places, strict=True)]) + score
            row = row.view(1, -1)
            chosen.append(places)
        row = row + self.steps[STOP]
        path = [torch.max(row, 1)[1].item()]
        for places in reversed(chosen):
            path.append(places[path[-1]])
        assert path.pop() == START
        return row.max().item(), path[::-1]


def enumerated(tagger, scores):
    """The score of each sequence of tags, in float64."""
    steps, scores = tagger.steps.detach().numpy().astype("f8"), scores.detach().numpy().astype("f8")
    found = {}
    for path in itertools.product(range(TAGS), repeat=len(scores)):
        edges = zip((START, *path), (*path, STOP), strict=True)
        found[path] = sum(steps[b, a] for a, b in edges) + sum(scores[range(len(path)), path])
    return found


def test_a_conditional_random_field():
    torch.manual_seed(1)
    tagger = Tagger()
    words, gold = torch.LongTensor(SENTENCE), torch.LongTensor(GOLD)
    optimizer = optim.SGD(tagger.parameters(), lr=0.3, weight_decay=1e-4)
    losses = []
    for _ in range(16):
        tagger.zero_grad()
        scores = tagger.scores(words)
        every = enumerated(tagger, scores)
        values = np.array(list(every.values()))
        total, one = tagger.all_paths(scores), tagger.one_path(scores, gold)
        assert total.item() == pytest.approx(np.log(np.exp(values).sum()), abs=1e-5)
        assert one.item() == pytest.approx(every[tuple(GOLD)], abs=1e-5)
        best, path = tagger.best_path(scores)
        assert every[tuple(path)] == pytest.approx(values.max(), abs=1e-5)
        assert best == pytest.approx(values.max(), abs=1e-5)
        loss = total - one
        loss.backward()
        # The gradient of a step's score: how often paths take it, less how often this one does.
        chance = np.exp(values - values.max()) / np.exp(values - values.max()).sum()
        expected = np.zeros((TAGS + 2, TAGS + 2))
        for part, taken in (*zip(chance, every, strict=True), (-1, tuple(GOLD))):
            for a, b in zip((START, *taken), (*taken, STOP), strict=True):
                expected[b, a] += part
        np.testing.assert_allclose(tagger.steps.grad.numpy(), expected, atol=1e-5)
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True) and path == GOLD


class Names(nn.Module):
    """One step of a network over letters."""

    def __init__(self, letters, hidden, kinds):
        super().__init__()
        self.hidden = hidden
        self.to_hidden = nn.Linear(letters + hidden, hidden)
        self.to_kind, self.log = nn.Linear(letters + hidden, kinds), nn.LogSoftmax(dim=1)

    def forward(self, letter, state):
        both = torch.cat((letter, state), 1)
        return self.log(self.to_kind(both)), torch.tanh(self.to_hidden(both))


def test_a_network_over_letters():
    """Letters are written one by one through two indices; steps are made by hand with `.data`."""
    torch.manual_seed(0)
    letters = "abcdefgh"
    net = Names(len(letters), 6, 2)

    def encoded(name):
        rows = torch.zeros(len(name), 1, len(letters))
        for i, letter in enumerate(name):
            rows[i][0][letters.find(letter)] = 1
        np.testing.assert_array_equal(
            rows.numpy()[:, 0], np.eye(8)[[letters.find(c) for c in name]]
        )
        return rows

    names = [("abba", 0), ("deaf", 1), ("cab", 0), ("edge", 1)]
    counts = torch.zeros(2, 2)
    for turn in range(60):
        for name, kind in names:
            state, rows = torch.zeros(1, net.hidden), encoded(name)
            net.zero_grad()
            for i in range(rows.size()[0]):
                output, state = net(rows[i], state)
            loss = nn.NLLLoss()(output, torch.LongTensor([kind]))
            loss.backward()
            for p in net.parameters():
                p.data.add_(p.grad.data, alpha=-0.2)
            _, top = output.data.topk(1)
            if turn == 59:
                counts[kind][top[0][0]] += 1
    for i in range(2):
        counts[i] = counts[i] / counts[i].sum()
    assert counts.tolist() == [[1, 0], [0, 1]]


class EverySecond(nn.utils.prune.BasePruningMethod):
    """Prunes each second value, through a view of the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.flatten()[::2] = 0
        mask.view(-1)[1] = 0
        return mask


def test_a_mask_that_is_written_through_views():
    layer = nn.Linear(4, 2)
    before = layer.weight.detach().numpy().copy()
    EverySecond.apply(layer, "weight")
    kept = np.array([[0, 0, 0, 1], [0, 1, 0, 1]], "float32")
    np.testing.assert_array_equal(layer.weight_mask.numpy(), kept)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before * kept)
    layer(torch.ones(1, 4)).sum().backward()
    np.testing.assert_array_equal(layer.weight_orig.grad.numpy(), kept)
