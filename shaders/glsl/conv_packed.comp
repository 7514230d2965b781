#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define SIDE CONV_TILED_SIDE
#define PACKED
#include "conv_tiled.glsl"
