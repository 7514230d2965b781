#version 450
#extension GL_GOOGLE_include_directive : require
#define MATRIX_NV
#include "conv_cooperative.glsl"
