#version 450
#extension GL_GOOGLE_include_directive : require
#define SIDE CONV_TILED_SIDE
#include "conv_tiled.glsl"
