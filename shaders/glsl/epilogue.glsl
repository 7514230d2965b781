// The end of a convolution: bias, activation, scale, residual, activation.  Constants say which of them there are, because CPU
// drivers compute both sides of a branch.
CONSTANT(EPILOGUE_BIAS) BIAS = 1;
CONSTANT(EPILOGUE_RESIDUAL) RESIDUAL = 0;

vec4 bias_of(int group)
{
        return BIAS != 0 ? LOAD(biases, group) : vec4(0);
}

// `sum` contains the bias.
vec4 epilogue(epilogue_params e, map_params residual, int pixel, int group, vec4 sum)
{
        sum = min(max(sum, e.activation.slope * sum), e.activation.ceiling) * e.scale;
        if (RESIDUAL != 0)
                sum += LOAD(residuals, at(residual, pixel, group));
        return max(sum, e.final_slope * sum);
}
