#version 450
#extension GL_GOOGLE_include_directive : require
#define SIDE 16
#include "conv_tiled.glsl"
