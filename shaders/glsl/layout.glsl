// How a frame's bytes are laid out: a constant for each component, struct component in ops/pixels.c, so that each format has kernels of
// its own, without tables.  A component of pixel (x, y) is the byte FIRST + (x >> SHIFT_X) * STEP in row y >> SHIFT_Y of its plane.
layout(constant_id = 8) const int COMPONENT_0 = 0;
layout(constant_id = 9) const int COMPONENT_1 = 0;
layout(constant_id = 10) const int COMPONENT_2 = 0;

#define COMPONENT(k) ((k) == 0 ? COMPONENT_0 : (k) == 1 ? COMPONENT_1 : COMPONENT_2)
#define STEP(k) (COMPONENT(k) & 7) // 0: there is no such component
#define FIRST(k) (COMPONENT(k) >> 3 & 3)
#define PLANE(k) (COMPONENT(k) >> 5 & 3)
#define SHIFT_X(k) (COMPONENT(k) >> 7 & 3)
#define SHIFT_Y(k) (COMPONENT(k) >> 9 & 3)
#define LEADS(k) ((COMPONENT(k) >> 11 & 1) != 0) // its plane begins with it

// Eight pixels of a row, which begin at a multiple of eight: their bytes are whole words in every plane.
#define BLOCK 8
#define BLOCK_BYTES(k) ((BLOCK >> SHIFT_X(k)) * STEP(k))
