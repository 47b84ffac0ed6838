"""A language model of characters: a small GPT or an LSTM learns a text and continues it.

    python character_model.py                            # fastdl's own source, 250 steps
    python character_model.py shakespeare.txt --steps 2000
    python character_model.py shakespeare.txt --kind lstm

Prints the loss on the last tenth of the text, in nats per character, and some generated text.
"""

import argparse
from pathlib import Path

import numpy as np

import fastdl
from fastdl import layers

CONTEXT, BATCH, WIDTH = 64, 12, 128


def own_source() -> str:
    """The source of fastdl's layers: some text that is always there."""
    files = sorted((Path(fastdl.__file__).parent / "layers").glob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def gpt(vocabulary: int) -> fastdl.Model:
    """Four blocks of four heads, normalized first, with trained positions."""
    tokens = layers.Input((None,), dtype="int64")
    x = layers.Embedding(vocabulary, WIDTH)(tokens)
    x = x + layers.PositionEmbedding(CONTEXT)(x)
    for _ in range(4):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, WIDTH // 4)(y, y, use_causal_mask=True)
        y = layers.LayerNormalization()(x)
        x = x + layers.Dense(WIDTH)(layers.Dense(4 * WIDTH, activation="gelu")(y))
    return fastdl.Model(tokens, layers.Dense(vocabulary)(layers.LayerNormalization()(x)))


def lstm(vocabulary: int) -> fastdl.Model:
    """An LSTM of 256 units."""
    return fastdl.Sequential(
        [
            layers.Input((None,), dtype="int64"),
            layers.Embedding(vocabulary, WIDTH),
            layers.LSTM(2 * WIDTH, return_sequences=True),
            layers.Dense(vocabulary),
        ]
    )


def windows(ids: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random windows of the text, and the characters that follow each of theirs."""
    starts = rng.integers(0, len(ids) - CONTEXT - 1, count)
    rows = ids[starts[:, None] + np.arange(CONTEXT + 1)]
    return rows[:, :-1], rows[:, 1:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "text", nargs="?", type=Path, help="a text file; fastdl's source by default"
    )
    parser.add_argument("--kind", choices=["gpt", "lstm"], default="gpt")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--characters", type=int, default=300, help="how many are generated")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    text = options.text.read_text(encoding="utf-8") if options.text else own_source()
    characters = sorted(set(text))
    number = {c: i for i, c in enumerate(characters)}
    ids = np.array([number[c] for c in text])
    if len(ids) < 20 * CONTEXT:
        parser.error(f"the text must have at least {20 * CONTEXT} characters, it has {len(ids)}")
    split = len(ids) * 9 // 10
    rng = np.random.default_rng(options.seed)
    x, y = windows(ids[:split], BATCH * options.steps, rng)
    x_val, y_val = windows(ids[split:], 240, rng)

    fastdl.utils.set_random_seed(options.seed)
    model = {"gpt": gpt, "lstm": lstm}[options.kind](len(characters))
    rate = fastdl.optimizers.schedules.CosineDecay(
        0.0,
        options.steps,
        alpha=0.1,
        warmup_target=1e-3,
        warmup_steps=min(100, options.steps // 10),
    )
    optimizer = fastdl.optimizers.AdamW(rate, weight_decay=0.1, beta_2=0.99, clipnorm=1.0)
    model.compile(optimizer, fastdl.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=BATCH, verbose=2)
    loss = model.evaluate(x_val, y_val, batch_size=60, verbose=0)
    print(f"{options.kind}: {loss:.3f} nats per character of the last tenth of the text")

    start = ids[split : split + 8]
    found = fastdl.utils.generate(
        model, start, options.characters, temperature=options.temperature, seed=options.seed,
        context=CONTEXT if options.kind == "gpt" else None,
    )  # fmt: skip
    print("".join(characters[i] for i in found))


if __name__ == "__main__":
    main()
