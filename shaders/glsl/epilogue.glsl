// The end of a convolution: bias, activation, scale, residual, activation.
vec4 epilogue(epilogue_params e, map_params residual, int pixel, int group, vec4 sum)
{
        if (e.has_bias != 0)
                sum += LOAD(biases, group);
        sum = min(max(sum, e.activation.slope * sum), e.activation.ceiling) * e.scale;
        if (e.has_residual != 0)
                sum += LOAD(residuals, at(residual, pixel, group));
        return max(sum, e.final_slope * sum);
}
