// The end of a convolution: bias, activation, scale, residual, activation.
vec4 epilogue(int pixel, int group, vec4 sum)
{
        if (has_bias != 0)
                sum += LOAD(biases, group);
        sum = min(max(sum, slope * sum), ceiling) * scale;
        if (has_residual != 0)
                sum += LOAD(residuals, at(residual_map, pixel, group));
        return max(sum, final_slope * sum);
}
