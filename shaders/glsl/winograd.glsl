// What Winograd's two transforms share.

// An invocation transforms four channels of a tile; where it reads buffers, as on GPUs, a single one, because 36 vec4 do not fit in
// a GPU's registers. There, four neighbours share a vec4.
#ifdef TEXELS
#define VALUE vec4
#define LOAD_VALUE(name, i) LOAD(name, i)
#define STORE_VALUE(name, i, v) STORE(name, i, v)
layout(local_size_x = SUBGROUP) in;
const int SHARE = 1; // invocations of a vec4
#else
#define VALUE float
#define LOAD_VALUE(name, i) LOAD_PART(name, i, gl_LocalInvocationID.x & 3)
#define STORE_VALUE(name, i, v) STORE_PART(name, i, gl_LocalInvocationID.x & 3, v)
layout(local_size_x = WORKGROUP) in;
const int SHARE = 4;
#endif

// How 4x4 tiles of output are counted, see winograd_in.comp.
struct Tile {
        ivec2 origin; // of its first output pixel; steps are `dilation` wide
        bool exists;
};

Tile tile_at(tiling_params tiling, int t)
{
        int tile = tiling.first + t, per_grid = tiling.across * tiling.down;
        int grid = tile / per_grid, rest = tile % per_grid;
        ivec2 place = ivec2(rest % tiling.across, rest / tiling.across) * 4;
        ivec2 phase = ivec2(grid % tiling.dilation, grid / tiling.dilation);
        return Tile(place * tiling.dilation + phase, t < tiling.strip && grid < tiling.dilation * tiling.dilation);
}
