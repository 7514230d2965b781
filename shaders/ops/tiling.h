/* Private to ops/: how Winograd's F(4x4, 3x3) cuts a picture into tiles, and whether that pays. */
#pragma once

#include "shaders/glsl/network-params.h"
#include "shaders/ops/operand.h"

enum { POINTS = 36 }; /* of a transformed tile */

struct tiling_params tiling_of(const struct gpu_conv *conv);
uint32_t tiling_total(const struct tiling_params *tiling);
/* Bytes of a strip's transformed tiles. */
uint64_t tiling_size(const struct tiling_params *tiling, uint32_t channels);

bool winograd_pays(const struct gpu_conv *conv);
uint64_t winograd_workspace(const struct gpu_conv *conv);
