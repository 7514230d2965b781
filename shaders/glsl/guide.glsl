// A guided filter (He, Sun and Tang, Guided Image Filtering, 2013; Fast Guided Filter, 2015).  In each box of the picture the mask is
// fitted as a linear function of the colour; a pixel's mask is the mean of the functions of the boxes around it, at its own
// colour.  So its edges lie where those of the picture do.  Cells, squares of pixels, stand for their means; a box is 3 x 3 cells.

// A mask is undecided in wide bands around edges, and a fit of noise or of a weak edge never reaches 0 and 1.
float decided(float mask)
{
        return clamp((mask - 0.2) / 0.6, 0, 1);
}

// The cells around one, itself in the middle; at the edges they go on as they end.
struct Box {
        ivec3 x, rows;
};

Box box_of(int cell, ivec2 count)
{
        const ivec2 here = nth_pixel(cell, count.x), low = max(here - 1, 0), high = min(here + 1, count - 1);
        return Box(ivec3(low.x, here.x, high.x), ivec3(low.y, here.y, high.y) * count.x);
}
