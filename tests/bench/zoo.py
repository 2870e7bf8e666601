# ruff: noqa: SIM905 (long lists of names read best as words)
"""MACs and findings on networks of other people: those of timm and transformers, where installed.

    python tests/bench/zoo.py [timm | transformers | NAME ...]

Nothing is downloaded: timm's run on meta tensors, those of transformers from small configs. The
multiply-accumulates of ``trace`` stand beside torch's own ``FlopCounterMode`` halved, with
attention in its plain form so that torch sees its products. The lists below were fixed first.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import convdocs

TIMM = """
resnet18 resnet50d resnext50_32x4d seresnet50 resnetv2_50 resnetrs50 skresnet18 resnest14d
ecaresnet26t res2net50_26w_4s wide_resnet50_2 resnetaa50 resnetblur50 legacy_seresnet18
gcresnet33ts densenet121 vgg11_bn dla34 dpn68 inception_v3 inception_v4 inception_resnet_v2
xception41 xception71 pnasnet5large mobilenetv2_100 mobilenetv3_large_100 mobilenetv4_conv_small
mobilenetv4_hybrid_medium efficientnet_b0 tf_efficientnet_b4 tf_efficientnetv2_s mixnet_s
mnasnet_100 fbnetc_100 ghostnet_100 ghostnetv2_100 hardcorenas_a tinynet_a rexnet_100 hrnet_w18
lcnet_050 regnetx_008 regnety_008 regnetz_b16 nf_resnet50 eca_nfnet_l0 dm_nfnet_f0 cspresnet50
cspdarknet53 darknet53 selecsls42b ese_vovnet19b_dw repvgg_a2 repghostnet_050 mobileone_s0
repvit_m1 fastvit_t8 hgnet_tiny hgnetv2_b0 starnet_s1 tresnet_m convnext_tiny convnextv2_atto
convmixer_768_32 inception_next_tiny focalnet_tiny_srf poolformer_s12 caformer_s18 mambaout_tiny
edgenext_small efficientvit_b0 efficientvit_m0 efficientformer_l1 efficientformerv2_s0 mobilevit_s
mobilevitv2_050 levit_128 levit_conv_128s coat_tiny coatnet_0_224 coatnet_nano_rw_224
maxvit_tiny_tf_224 swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 swinv2_cr_tiny_ns_224
swin_s3_tiny_224 vit_tiny_patch16_224 vit_relpos_small_patch16_224 vit_base_patch32_clip_224
vit_small_r26_s32_224 vit_base_patch16_siglip_224 vit_small_patch14_dinov2
vit_small_patch16_dinov3 deit_tiny_distilled_patch16_224 deit3_small_patch16_224
beit_base_patch16_224 eva02_tiny_patch14_224 cait_xxs24_224 xcit_nano_12_p8_224 crossvit_9_240
pit_xs_224 tnt_s_patch16_224 twins_pcpvt_small twins_svt_small pvt_v2_b0 nest_tiny
visformer_tiny convit_tiny mixer_s32_224 resmlp_12_224 gmlp_ti16_224 sequencer2d_s volo_d1_224
vitamin_small_224 hiera_tiny_224 davit_tiny gcvit_xxtiny mvitv2_tiny tiny_vit_5m_224 rdnet_tiny
sam2_hiera_tiny nextvit_small shvit_s1 swiftformer_xs fasternet_t0 botnet26t_256 halonet26t
lambda_resnet26t eca_botnext26ts_256 bat_resnext26ts samvit_base_patch16_224
naflexvit_base_patch16_gap
""".split()

# the input of every network, by what it is
_IDS = {"input_ids": (2, 16)}
_IMAGE = {"pixel_values": (2, 3, 64, 64)}
_SEQUENCES = {"input_ids": (2, 16), "decoder_input_ids": (2, 12)}
_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 99,
          "intermediate_size": 64, "max_position_embeddings": 64}  # fmt: skip
_HALF = {**_SMALL, "num_key_value_heads": 2, "head_dim": 8}
_PATCHES = {**_SMALL, "image_size": 64, "patch_size": 8}
_ENCODER_DECODER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 99,
}  # fmt: skip
_SPEECH = {
    **_SMALL, "conv_dim": (16, 16), "conv_kernel": (10, 3), "conv_stride": (5, 2),
    "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
_FOUR = {"hidden_sizes": [16, 24, 32, 48], "depths": [1, 1, 1, 1]}
_GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99}
_TOWERS = {"text_config": _SMALL, "vision_config": _PATCHES}

# model type -> settings of its config, and its inputs
TRANSFORMERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **dict.fromkeys(
        ("bert", "roberta", "albert", "electra", "deberta", "deberta-v2", "mpnet", "camembert",
         "ernie", "layoutlm", "mobilebert", "convbert", "roformer", "fnet",
         "nystromformer", "megatron-bert", "splinter", "big_bird", "canine"),
        (_SMALL, _IDS),
    ),
    "squeezebert": ({**_SMALL, "embedding_size": 32}, _IDS),
    "modernbert": ({**_SMALL, "pad_token_id": 0}, _IDS),
    "distilbert": ({"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}, _IDS),
    "xlnet": ({"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64, "vocab_size": 99}, _IDS),
    "funnel": ({"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 64, "vocab_size": 99,
                "block_sizes": [1, 1, 1], "block_repeats": [1, 1, 1]}, _IDS),
    "longformer": ({**_SMALL, "attention_window": 8}, _IDS),
    "esm": ({**_SMALL, "mask_token_id": 4, "pad_token_id": 1}, _IDS),
    **dict.fromkeys(
        ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi", "phi3", "stablelm",
         "olmo", "cohere", "starcoder2", "granite"),
        ({**_HALF, "pad_token_id": 0}, _IDS),
    ),
    "gpt_neox": (_SMALL, _IDS),
    "mixtral": ({**_HALF, "num_local_experts": 4}, _IDS),
    "falcon": ({**_SMALL, "new_decoder_architecture": True, "num_kv_heads": 2}, _IDS),
    "bloom": ({"hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": 99}, _IDS),
    "gpt2": (_GPT, _IDS),
    "gptj": ({**_GPT, "rotary_dim": 8}, _IDS),
    "codegen": ({**_GPT, "rotary_dim": 8}, _IDS),
    "gpt_neo": ({"hidden_size": 32, "num_layers": 2, "num_heads": 4, "vocab_size": 99,
                 "attention_types": [[["global", "local"], 1]]}, _IDS),
    "opt": ({**_SMALL, "ffn_dim": 64, "word_embed_proj_dim": 32}, _IDS),
    "mamba": ({"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 99}, _IDS),
    "rwkv": ({"hidden_size": 32, "attention_hidden_size": 32, "num_hidden_layers": 2,
              "vocab_size": 99}, _IDS),
    "t5": ({"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4,
            "vocab_size": 99}, _SEQUENCES),
    **dict.fromkeys(
        ("bart", "mbart", "pegasus", "blenderbot", "marian", "m2m_100"),
        ({**_ENCODER_DECODER, "pad_token_id": 1}, _SEQUENCES),
    ),
    "whisper": ({**_ENCODER_DECODER, "max_source_positions": 32, "pad_token_id": 1},
                {"input_features": (2, 80, 64), "decoder_input_ids": (2, 12)}),
    **dict.fromkeys(("wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech"),
                    (_SPEECH, {"input_values": (2, 1600)})),
    **dict.fromkeys(("vit", "deit", "beit", "dinov2", "vit_mae", "ijepa", "yolos", "vit_msn"),
                    ({**_PATCHES, "image_size": [64, 64]}, _IMAGE)),
    "swin": ({"image_size": 64, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4],
              "window_size": 4}, _IMAGE),
    "swinv2": ({"image_size": 64, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4],
                "window_size": 4}, _IMAGE),
    **dict.fromkeys(("convnext", "convnextv2", "poolformer"), (_FOUR, _IMAGE)),
    "resnet": ({"embedding_size": 16, **_FOUR}, _IMAGE),
    "regnet": ({"embedding_size": 16, "groups_width": 8, **_FOUR}, _IMAGE),
    "bit": ({"embedding_size": 32, "num_groups": 8, "hidden_sizes": [32, 64, 64, 64],
             "depths": [1, 1, 1, 1]},
            _IMAGE),
    "segformer": ({"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1],
                   "num_attention_heads": [1, 2, 4, 8]}, _IMAGE),
    "pvt": ({"image_size": 64, "hidden_sizes": [8, 16, 40, 64], "depths": [1, 1, 1, 1]}, _IMAGE),
    "mobilevit": ({"image_size": 64, "hidden_sizes": [16, 24, 32], "num_attention_heads": 4},
                  _IMAGE),
    "mobilenet_v2": ({"depth_multiplier": 0.5}, _IMAGE),
    "efficientnet": ({}, _IMAGE),
    "focalnet": ({"image_size": 64, "embed_dim": 16, "depths": [1, 1]}, _IMAGE),
    "clip": (_TOWERS, {**_IDS, **_IMAGE}),
    "siglip": (_TOWERS, {**_IDS, **_IMAGE}),
    "detr": ({**_ENCODER_DECODER, "use_timm_backbone": False, "num_queries": 8,
              "backbone_config": {"model_type": "resnet", "embedding_size": 16,
                                  "out_features": ["stage4"], **_FOUR}}, _IMAGE),
    "perceiver": ({"num_latents": 8, "d_latents": 16, "d_model": 32, "num_blocks": 1,
                   "num_self_attends_per_block": 2, "num_self_attention_heads": 4,
                   "num_cross_attention_heads": 4}, {"inputs": (2, 10, 32)}),
    "audio-spectrogram-transformer": ({**_SMALL, "max_length": 64, "num_mel_bins": 32},
                                      {"input_values": (2, 64, 32)}),
    "videomae": ({**_PATCHES, "num_frames": 4}, {"pixel_values": (1, 4, 3, 64, 64)}),
    "timesformer": ({**_PATCHES, "num_frames": 4}, {"pixel_values": (1, 4, 3, 64, 64)}),
}  # fmt: skip

Case = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


def timm_case(name: str) -> Case:
    """A network of timm in eval mode, and a batch of two images of its size."""
    timm = import_module("timm")
    model = _on_meta(lambda: timm.create_model(name, pretrained=False).eval())
    return model, (torch.empty(2, *model.default_cfg["input_size"], device=_device(model)),), {}


def transformers_case(name: str) -> Case:
    """A network of transformers from a small config, and inputs of a batch of two."""
    library = import_module("transformers")
    settings, shapes = TRANSFORMERS[name]
    config = library.AutoConfig.for_model(name, **settings)
    model = library.AutoModel.from_config(config).eval()
    return model, (), {key: _input(key, shape, model) for key, shape in shapes.items()}


def _on_meta(make: Any) -> Any:
    """Built without memory, or on the processor where its constructor looks at values."""
    with suppress(RuntimeError, NotImplementedError), torch.device("meta"):
        return make()
    return make()


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _input(key: str, shape: tuple[int, ...], model: nn.Module) -> torch.Tensor:
    if key.endswith("ids"):
        return torch.ones(shape, dtype=torch.long, device=_device(model))
    return torch.ones(shape, device=_device(model))


def measure(case: Case) -> dict[str, Any]:
    """What convdocs says of a network, and what torch counts."""
    model, args, kwargs = case
    model.requires_grad_(False)
    start = perf_counter()
    trace = convdocs.trace(model, *args, **kwargs)
    seconds = perf_counter() - start
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model(*args, **kwargs)
    return {
        "macs": trace.macs,
        "torch": counter.get_total_flops() // 2,
        "calls": len(trace.calls),
        "executed": trace.executed,
        "seconds": round(seconds, 2),
        "uncounted": sorted({c.macs_note for c in trace.calls if c.macs is None}),
        "unknown_fields": _first_unknown(trace),
        "findings": [[f.code, f.path, f.sentence, len(f.places)] for f in trace.findings],
    }


def _first_unknown(trace: convdocs.Trace) -> str:
    """The first call whose field is not known though it has spatial axes."""
    for call in trace.calls:
        if any(field.size is None for field in call.receptive_field):
            return f"{call.index} {call.path} {call.code} {call.axes}"
    return ""


def rows(names: list[str]) -> Iterator[dict[str, Any]]:
    """One measurement a network; the error where one does not run."""
    for name in names:
        case = transformers_case if name in TRANSFORMERS else timm_case
        row = {"name": name, "family": case.__name__.removesuffix("_case")}
        try:
            built = case(name)
        except Exception as error:
            yield {**row, "not_built": f"{type(error).__name__}: {error}"[:200]}
            continue
        try:
            yield {**row, **measure(built)}
        except Exception as error:
            yield {**row, "error": f"{type(error).__name__}: {error}"[-400:]}


def _declare_torchvision_operators() -> None:
    """A torchvision without its own kernels imports once these names exist."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)


_KEPT: list[Any] = []  # a library's definitions go when it is collected


def main(words: list[str]) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with suppress(ImportError):
        _declare_torchvision_operators()
        import_module("torchvision")
    groups = {"timm": TIMM, "transformers": list(TRANSFORMERS)}
    names = [name for word in words or groups for name in groups.get(word, [word])]
    equal = total = 0
    for row in rows(names):
        total += 1
        equal += row.get("macs", -1) == row.get("torch", -2)
        print(json.dumps(row), flush=True)
    print(f"equal {equal} of {total}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
