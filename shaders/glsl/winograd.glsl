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
