// The end of a convolution: bias, activation; if there is a residual, scale, residual, activation.  Constants say which of them
// there are, because CPU drivers compute both sides of a branch.
#include "activation.glsl"

CONSTANT(EPILOGUE_BIAS) BIAS = 1;
CONSTANT(EPILOGUE_RESIDUAL) RESIDUAL = 0;

#ifndef LOAD_VALUE
#define LOAD_VALUE(name, i) LOAD(name, i)
#endif

VALUE bias_of(int group)
{
        return BIAS != 0 ? LOAD_VALUE(biases, group) : VALUE(0);
}

// `sum` contains the bias.  `residual` is where the residual's value lies.
VALUE epilogue(epilogue_params e, int residual, VALUE sum)
{
        sum = activate(e.activation, sum);
        if (RESIDUAL == 0)
                return sum;
        sum = e.scale * sum + LOAD_VALUE(residuals, residual);
        return larger(sum, e.final_slope * sum);
}
