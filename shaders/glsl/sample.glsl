// Samples of the input `image`, an RGBA picture; 0 outside of it.  Included after that input and region.glsl.
vec3 sample_at(vec2 place, ivec2 size)
{
        const vec2 low = floor(place - 0.5), f = place - 0.5 - low;
        const ivec2 a = ivec2(low), b = a + 1, last = size - 1;
        // A pixel outside has no weight.  There are no branches, because CPU drivers compute both sides of one.
        const vec2 near = mix(vec2(0), 1 - f, equal(a, clamp(a, ivec2(0), last)));
        const vec2 far = mix(vec2(0), f, equal(b, clamp(b, ivec2(0), last)));
        const ivec2 x = clamp(ivec2(a.x, b.x), ivec2(0), last.xx), y = clamp(ivec2(a.y, b.y), ivec2(0), last.yy) * size.x;
        return near.y * (near.x * LOAD(image, y.x + x.x).rgb + far.x * LOAD(image, y.x + x.y).rgb) +
               far.y * (near.x * LOAD(image, y.y + x.x).rgb + far.x * LOAD(image, y.y + x.y).rgb);
}

// Pixel p of a region whose rows to the picture are x and y.  A bilinear sample reaches two pixels of the picture each way: where
// the region's pixels are larger, the mean of several, so that none in between is left out (up to 4 x 4 samples).
vec3 region_pixel(vec4 x, vec4 y, ivec2 p, ivec2 size)
{
        const float side = max(length(vec2(x.x, y.x)), length(vec2(x.y, y.y)));
        const int samples = clamp(int(ceil(side / 2 - 0.001)), 1, 4);
        vec3 sum = vec3(0);
        ivec2 part = ivec2(0);
        for (int i = 0; i < samples * samples; i++) {
                sum += sample_at(transform(x, y, vec2(p) + (vec2(part) + 0.5) / samples), size);
                part = next_pixel(part, samples);
        }
        return sum / (samples * samples);
}
