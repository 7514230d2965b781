// How a frame's bytes are laid out: a constant for each component (picture-params.h), so that each format has kernels of its own,
// without tables.  A component of pixel (x, y) is the byte FIRST + (x >> SHIFT_X) * STEP in row y >> SHIFT_Y of its plane.
CONSTANT(LAYOUT_COMPONENTS) COMPONENT_0 = 0;
CONSTANT(LAYOUT_COMPONENTS + 1) COMPONENT_1 = 0;
CONSTANT(LAYOUT_COMPONENTS + 2) COMPONENT_2 = 0;

#define COMPONENT(k) ((k) == 0 ? COMPONENT_0 : (k) == 1 ? COMPONENT_1 : COMPONENT_2)
#define STEP(k) (COMPONENT(k) & 7) // 0: there is no such component
#define FIRST(k) (COMPONENT(k) >> COMPONENT_FIRST & 3)
#define PLANE(k) (COMPONENT(k) >> COMPONENT_PLANE & 3)
#define SHIFT_X(k) (COMPONENT(k) >> COMPONENT_SHIFT_X & 3)
#define SHIFT_Y(k) (COMPONENT(k) >> COMPONENT_SHIFT_Y & 3)
#define LEADS(k) ((COMPONENT(k) >> COMPONENT_LEADS & 1) != 0) // its plane begins with it

#define BLOCK_BYTES(k) ((BLOCK >> SHIFT_X(k)) * STEP(k))
