"""The models that freegvc knows by name. Other models of the same families load by their hub id.

Hub ids, licences and picture sizes are those of the models' own pages and of diffusers'
pipelines. The numbers of parameters were counted on the models that diffusers 0.42 and
transformers build from the published configurations; they agree with the sizes of the published
files. The memory of activations depends on the machine and is not listed.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES_OF = {"float16": 2, "bfloat16": 2, "float32": 4}

_T5_XXL, _UMT5_XXL = 4_762_310_656, 5_680_910_336
_COGVIDEOX_VAE, _WAN_21_VAE = 215_583_907, 126_892_531


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model on the Hugging Face hub that freegvc has an adapter for.

    Attributes:
        name: what `load_prior` and streams call it.
        hub_id: "organisation/name" on the hub; its page has the text of the licence.
        family: module of the adapter, as in `freegvc.priors.diffusers.families.ADAPTERS`.
        licence: an SPDX identifier where there is one.
        dtype: the dtype that the transformer was made for.
        vae_dtype: the dtype that the VAE was made for.
        native_size: height and width in pixels of the video that it makes by default.
        transformer_parameters: number of parameters of the transformer.
        vae_parameters: number of parameters of the VAE.
        text_encoder_parameters: number of parameters of the text encoder, which runs once for
            each prompt.
        old_ids: hub ids that redirect to this one.
    """

    name: str
    hub_id: str
    family: str
    licence: str
    dtype: str
    vae_dtype: str
    native_size: tuple[int, int]
    transformer_parameters: int
    vae_parameters: int
    text_encoder_parameters: int
    old_ids: tuple[str, ...] = ()

    @property
    def num_parameters(self) -> int:
        """Number of parameters of transformer and VAE, the parts that the codec runs."""
        return self.transformer_parameters + self.vae_parameters

    @property
    def weights_bytes(self) -> int:
        """Memory of the weights of transformer and VAE in their dtypes, without activations."""
        return (
            self.transformer_parameters * BYTES_OF[self.dtype]
            + self.vae_parameters * BYTES_OF[self.vae_dtype]
        )


KNOWN_MODELS = (
    KnownModel(
        name="cogvideox-2b",
        hub_id="zai-org/CogVideoX-2b",
        old_ids=("THUDM/CogVideoX-2b",),
        family="cogvideox",
        licence="Apache-2.0",
        dtype="float16",
        vae_dtype="float16",
        native_size=(480, 720),
        transformer_parameters=1_693_783_872,
        vae_parameters=_COGVIDEOX_VAE,
        text_encoder_parameters=_T5_XXL,
    ),
    KnownModel(
        name="cogvideox-5b",
        hub_id="zai-org/CogVideoX-5b",
        old_ids=("THUDM/CogVideoX-5b",),
        family="cogvideox",
        licence="CogVideoX licence",
        dtype="bfloat16",
        vae_dtype="bfloat16",
        native_size=(480, 720),
        transformer_parameters=5_570_283_072,
        vae_parameters=_COGVIDEOX_VAE,
        text_encoder_parameters=_T5_XXL,
    ),
    KnownModel(
        name="cogvideox1.5-5b",
        hub_id="zai-org/CogVideoX1.5-5B",
        old_ids=("THUDM/CogVideoX1.5-5B",),
        family="cogvideox",
        licence="CogVideoX licence",
        dtype="bfloat16",
        vae_dtype="bfloat16",
        native_size=(768, 1360),
        transformer_parameters=5_570_676_352,
        vae_parameters=_COGVIDEOX_VAE,
        text_encoder_parameters=_T5_XXL,
    ),
    KnownModel(
        name="wan2.1-t2v-1.3b",
        hub_id="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        family="wan",
        licence="Apache-2.0",
        dtype="bfloat16",
        vae_dtype="float32",
        native_size=(480, 832),
        transformer_parameters=1_418_996_800,
        vae_parameters=_WAN_21_VAE,
        text_encoder_parameters=_UMT5_XXL,
    ),
    KnownModel(
        name="wan2.1-t2v-14b",
        hub_id="Wan-AI/Wan2.1-T2V-14B-Diffusers",
        family="wan",
        licence="Apache-2.0",
        dtype="bfloat16",
        vae_dtype="float32",
        native_size=(480, 832),  # diffusers' default; the model was also trained at 720x1280
        transformer_parameters=14_288_491_584,
        vae_parameters=_WAN_21_VAE,
        text_encoder_parameters=_UMT5_XXL,
    ),
    KnownModel(
        name="wan2.2-ti2v-5b",
        hub_id="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        family="wan",
        licence="Apache-2.0",
        dtype="bfloat16",
        vae_dtype="float32",
        native_size=(704, 1280),
        transformer_parameters=4_999_787_712,
        vae_parameters=704_688_668,
        text_encoder_parameters=_UMT5_XXL,
    ),
    KnownModel(
        name="skyreels-v2-df-1.3b",
        hub_id="Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers",
        family="wan",
        licence="Skywork licence",
        dtype="bfloat16",
        vae_dtype="float32",
        native_size=(544, 960),
        transformer_parameters=1_435_525_696,
        vae_parameters=_WAN_21_VAE,
        text_encoder_parameters=_UMT5_XXL,
    ),
    KnownModel(
        name="ltx-video",
        hub_id="Lightricks/LTX-Video",
        family="ltx",
        licence="LTX-Video licence",
        dtype="bfloat16",
        vae_dtype="bfloat16",
        native_size=(512, 704),
        transformer_parameters=1_923_385_472,
        vae_parameters=419_193_649,
        text_encoder_parameters=_T5_XXL,
    ),
)


def find(name: str) -> KnownModel | None:
    """The known model of a short name, or of a current or old hub id in upper or lower case.

    Returns:
        The model, or None.
    """
    folded = name.casefold()
    for model in KNOWN_MODELS:
        if name == model.name or folded in map(str.casefold, (model.hub_id, *model.old_ids)):
            return model
    return None
