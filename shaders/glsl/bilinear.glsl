// Bilinear interpolation with the corners of both grids aligned, as the network's "up".
struct Bilinear {
        ivec4 pixels; // of the small map
        vec4 weights;
};

Bilinear bilinear(ivec2 position, ivec2 size, ivec2 small)
{
        vec2 from = vec2(position) * (vec2(small - 1) / vec2(max(size - 1, 1)));
        ivec2 low = min(ivec2(from), small - 1), high = min(low + 1, small - 1);
        vec2 f = from - vec2(low), g = 1 - f;
        return Bilinear(ivec4(low.y * small.x + low.x, low.y * small.x + high.x, high.y * small.x + low.x,
                              high.y * small.x + high.x),
                        vec4(g.y * g.x, g.y * f.x, f.y * g.x, f.y * f.x));
}

#define INTERPOLATE(name, map, b, group)                                                                              \
        (b.weights.x * LOAD(name, at(map, b.pixels.x, group)) + b.weights.y * LOAD(name, at(map, b.pixels.y, group)) +\
         b.weights.z * LOAD(name, at(map, b.pixels.z, group)) + b.weights.w * LOAD(name, at(map, b.pixels.w, group)))
