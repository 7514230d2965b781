// Samples of the input `image`, an RGBA picture; 0 outside of it.  Included after that input and region.glsl.
vec3 pixel_at(ivec2 p, ivec2 size)
{
        if (any(lessThan(p, ivec2(0))) || any(greaterThanEqual(p, size)))
                return vec3(0);
        return LOAD(image, p.y * size.x + p.x).rgb;
}

vec3 sample_at(vec2 place, ivec2 size)
{
        vec2 from = place - 0.5;
        ivec2 low = ivec2(floor(from));
        vec2 f = from - vec2(low);
        return mix(mix(pixel_at(low, size), pixel_at(low + ivec2(1, 0), size), f.x),
                   mix(pixel_at(low + ivec2(0, 1), size), pixel_at(low + ivec2(1, 1), size), f.x), f.y);
}

// Pixel p of a region whose rows to the picture are x and y.  A bilinear sample reaches two pixels of the picture each way: where
// the region's pixels are larger, the mean of several, so that none in between is left out (up to 4 x 4 samples).
vec3 region_pixel(vec4 x, vec4 y, ivec2 p, ivec2 size)
{
        const float side = max(length(vec2(x.x, y.x)), length(vec2(x.y, y.y)));
        const int samples = clamp(int(ceil(side / 2 - 0.001)), 1, 4);
        vec3 sum = vec3(0);
        for (int i = 0; i < samples * samples; i++)
                sum += sample_at(transform(x, y, vec2(p) + (vec2(i % samples, i / samples) + 0.5) / samples), size);
        return sum / (samples * samples);
}
