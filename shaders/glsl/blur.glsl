// The blur of a background is computed on cells, squares of pixels whose side is a power of two: the mean of a cell's background, and
// how much of the cell is background.  Around the picture lies one more row of cells each way, which repeats its edge.
struct Blur {
        int shift, radius; // of a cell's side; cells
        float fall;        // the Gaussian one cell from its centre
};

#define LOAD_BLUR(name) make_blur(LOAD(name, 0)) // struct gpu_blur

Blur make_blur(vec4 v)
{
        return Blur(int(v.x), int(v.y), v.z);
}

ivec2 cells_of(Blur blur, ivec2 size)
{
        return ((size - 1) >> blur.shift) + 3;
}
