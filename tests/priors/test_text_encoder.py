"""The text encoder in little memory: the same bits as one that is float32 as a whole."""

import json
import threading
import time
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import KNOWN_MODELS
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.text_encoder import PROCESS_BYTES, ram_bytes, run_text_encoder
from tests.priors.tiny_checkpoints import write_cogvideox, write_wan21

IDS = [5, 3, 7, 1, 0, 0]
WRITERS = {"t5": write_cogvideox, "umt5": write_wan21}


def store_as(folder, dtype):
    file = folder / "text_encoder" / "model.safetensors"
    save_file({name: t.to(dtype) for name, t in load_file(file).items()}, file, {"format": "pt"})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", WRITERS)
def test_the_oracle_is_a_model_that_is_float32_as_a_whole(kind, dtype, tmp_path):
    folder = WRITERS[kind](tmp_path)
    store_as(folder, dtype)
    checkpoint = Checkpoint(folder)
    cls = getattr(transformers, checkpoint.class_name("text_encoder"))
    whole = checkpoint.load("text_encoder", cls, torch.float32)
    with torch.no_grad():
        expected = whole(torch.tensor([IDS])).last_hidden_state[0]
    rows, identity = run_text_encoder(checkpoint, IDS)
    assert rows.dtype == torch.float32
    assert torch.equal(rows, expected)
    assert len(identity) == 64
    drift = (whole.to(torch.bfloat16)(torch.tensor([IDS])).last_hidden_state[0] - expected).abs()
    assert 1e-3 < drift.max() < 0.2  # what computing in bfloat16 would cost


def test_weights_of_several_dtypes_are_raised_to_float32(tmp_path):
    folder = write_cogvideox(tmp_path)
    expected, _ = run_text_encoder(Checkpoint(folder), IDS)
    store_as(folder, torch.bfloat16)
    file = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    name = "encoder.final_layer_norm.weight"
    save_file(tensors | {name: tensors[name].float()}, file, {"format": "pt"})
    rows, _ = run_text_encoder(Checkpoint(folder), IDS)
    assert rows.dtype == torch.float32
    assert 0 < (rows - expected).abs().max() < 0.2


def test_ram_bytes_counts_the_largest_block(tmp_path):
    t5_xxl = {"d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_heads": 64, "num_layers": 24}
    assert ram_bytes(t5_xxl) - PROCESS_BYTES == 771_751_936
    assert ram_bytes(t5_xxl) < 0.15 * 4 * min(m.text_encoder_parameters for m in KNOWN_MODELS)
    assert ram_bytes(t5_xxl | {"torch_dtype": "float16"}) == ram_bytes(t5_xxl) + 4_026_531_840
    folder = write_wan21(tmp_path)
    config = json.loads((folder / "text_encoder" / "config.json").read_text())
    block = [
        tensor.numel()
        for name, tensor in load_file(folder / "text_encoder" / "model.safetensors").items()
        if name.startswith("encoder.block.0.") and tensor.ndim == 2 and "relative" not in name
    ]
    assert ram_bytes(config) - PROCESS_BYTES == 4 * sum(block)


def test_another_class_is_refused(tmp_path):
    folder = write_cogvideox(tmp_path)
    path = folder / "model_index.json"
    index = json.loads(path.read_text()) | {"text_encoder": ["transformers", "BertModel"]}
    path.write_text(json.dumps(index))
    with pytest.raises(PriorUnavailableError, match="is a BertModel; freegvc supports only T5"):
        run_text_encoder(Checkpoint(folder), IDS)


def own_memory():
    """Memory of this process that is not a copy of a file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_large_text_encoder_takes_the_memory_of_one_block(dtype, tmp_path):
    folder = write_cogvideox(tmp_path)
    sizes = {"d_model": 1024, "d_ff": 2816, "d_kv": 64, "num_heads": 16, "num_layers": 12}
    config = transformers.T5Config(vocab_size=32128, feed_forward_proj="gated-gelu", **sizes)
    model = transformers.T5EncoderModel(config).to(dtype)
    num_bytes = 4 * sum(p.numel() for p in model.parameters())
    assert num_bytes > 7e8
    model.save_pretrained(folder / "text_encoder", max_shard_size="100MB")
    (folder / "text_encoder" / "model.safetensors").unlink()
    del model
    run_text_encoder(Checkpoint(write_cogvideox(tmp_path / "warm")), IDS)
    before, peak, done = own_memory(), [0], threading.Event()

    def watch():
        while not done.is_set():
            peak.append(own_memory())
            time.sleep(0.002)

    thread = threading.Thread(target=watch)
    thread.start()
    run_text_encoder(Checkpoint(folder), IDS)
    done.set()
    thread.join()
    expected = ram_bytes(sizes | {"dtype": str(dtype).removeprefix("torch.")}) - PROCESS_BYTES
    assert max(peak) - before < expected + 0.03 * num_bytes
