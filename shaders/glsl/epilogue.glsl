// The end of a convolution: bias, activation; if there is a residual, scale, residual, activation.  Constants say which of them
// there are, because CPU drivers compute both sides of a branch.
#include "activation.glsl"

CONSTANT(EPILOGUE_BIAS) BIAS = 1;
CONSTANT(EPILOGUE_RESIDUAL) RESIDUAL = 0;

vec4 bias_of(int group)
{
        return BIAS != 0 ? LOAD(biases, group) : vec4(0);
}

// `sum` contains the bias.  `residual` is where the residual's value lies.
vec4 epilogue(epilogue_params e, int residual, vec4 sum)
{
        sum = activate(e.activation, sum);
        if (RESIDUAL == 0)
                return sum;
        sum = e.scale * sum + LOAD(residuals, residual);
        return larger(sum, e.final_slope * sum);
}
