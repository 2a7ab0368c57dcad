"""Train a small GPT-2 on the flat stream of a token table: python egs/gpt2/train.py FLAT_EXPORT MODEL [STEPS]."""

import json
import sys
from pathlib import Path

import torch
from datasets import load_dataset

import audiovq  # noqa: F401  # lets torchaudio, which transformers imports, live beside a CPU build of torch

# isort: split
from transformers import GPT2Config, GPT2LMHeadModel

folder, model_folder, num_steps = Path(sys.argv[1]), sys.argv[2], int((sys.argv[3:] or ["1000"])[0])
end = json.loads((folder / "vocabulary.json").read_text())["vocabulary_size"]  # one token more, after each utterance
shape = GPT2Config(
    vocab_size=end + 1, n_positions=512, n_embd=256, n_layer=6, n_head=4, bos_token_id=end, eos_token_id=end
)
model = GPT2LMHeadModel(shape)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
rows = load_dataset("parquet", data_files=str(folder / "tokens.parquet"), split="train", streaming=True)
stream = iter(rows.shuffle(seed=0, buffer_size=1000).repeat(None))
tokens: list[int] = []
for step in range(1, num_steps + 1):
    while len(tokens) < 8 * 512:
        tokens += [*next(stream)["tokens"], end]
    batch, tokens = torch.tensor(tokens[: 8 * 512]).view(8, 512), tokens[8 * 512 :]
    loss = model(input_ids=batch, labels=batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 10 == 0 or step == num_steps:
        print(f"step {step}: {loss.item():.3f} nat a token", flush=True)
stream.close()
model.save_pretrained(model_folder)
