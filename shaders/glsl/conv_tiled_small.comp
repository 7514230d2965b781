#version 450
#extension GL_GOOGLE_include_directive : require
#define SIDE 8
#include "conv_tiled.glsl"
