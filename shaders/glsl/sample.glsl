// Bilinear samples of the input `image`, an RGBA picture; 0 outside of it.  Included after that input.
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
