// Operands of an operator: arrays of vec4, however they are stored.  Their bindings and formats are in params.h.
//
// With TEXELS the inputs are texel buffers: the view's format converts, and on CPU drivers a fetch compiles to straight code where
// a storage buffer's load becomes a loop over the lanes (for stores it is the other way round).  Otherwise they are storage
// buffers (texel buffers hold as few as 65,536 elements on some devices).  Storage buffers are converted here, by a
// specialization constant; halves need no extension, only core packing.
#extension GL_EXT_control_flow_attributes : require
#include "shaders/glsl/params.h"

// The number of this invocation, in workgroups that LINEAR_GROUPS has laid out.
#define LINEAR_INVOCATION int((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * WORKGROUP + gl_LocalInvocationID.x)

// With TEXELS a vec4 is stored as two numbers of 64 bits, or four halves as one: CPU drivers store lane by lane and number by number.
#ifdef TEXELS
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#define INPUT(N, name) layout(set = 0, binding = N) uniform samplerBuffer name;
#define LOAD(name, i) texelFetch(name, i)
#else
#define INPUT(N, name)                                                                                                \
        layout(constant_id = N) const int name##_format = FORMAT_F32;                                                 \
        layout(std430, set = 0, binding = N) readonly buffer name##_32 { vec4 name##_v32[]; };                        \
        layout(std430, set = 0, binding = N) readonly buffer name##_16 { uvec2 name##_v16[]; };                       \
        layout(std430, set = 0, binding = N) readonly buffer name##_8 { uint name##_v8[]; };                          \
        vec4 name##_load(int i)                                                                                       \
        {                                                                                                             \
                if (name##_format == FORMAT_F32)                                                                      \
                        return name##_v32[i];                                                                         \
                if (name##_format == FORMAT_F16)                                                                      \
                        return vec4(unpackHalf2x16(name##_v16[i].x), unpackHalf2x16(name##_v16[i].y));                \
                return unpackUnorm4x8(name##_v8[i]);                                                                  \
        }
#define LOAD(name, i) name##_load(i)
// One of the four numbers of a vec4 that is stored in 32 bits.
#define LOAD_PART(name, i, part) name##_v32[i][part]
// Four halves, as they are stored in 16 bits.
#define LOAD_HALVES(name, i) name##_v16[i]
#endif

#ifdef TEXELS
#define STORED_32 u64vec2
#define STORED_16 uint64_t
u64vec2 stored_32(uvec4 v)
{
        return u64vec2(packUint2x32(v.xy), packUint2x32(v.zw));
}
uint64_t stored_16(uvec2 v)
{
        return packUint2x32(v);
}
#else
#define STORED_32 uvec4
#define STORED_16 uvec2
#define stored_32(v) (v)
#define stored_16(v) (v)
#endif

#define OUTPUT(name)                                                                                                  \
        layout(constant_id = RESULT) const int name##_format = FORMAT_F32;                                            \
        layout(std430, set = 0, binding = RESULT) writeonly buffer name##_32 { STORED_32 name##_v32[]; };             \
        layout(std430, set = 0, binding = RESULT) writeonly buffer name##_16 { STORED_16 name##_v16[]; };             \
        layout(std430, set = 0, binding = RESULT) writeonly buffer name##_8 { uint name##_v8[]; };                    \
        void name##_store(int i, vec4 v)                                                                              \
        {                                                                                                             \
                if (name##_format == FORMAT_F32)                                                                      \
                        name##_v32[i] = stored_32(floatBitsToUint(v));                                                \
                else if (name##_format == FORMAT_F16)                                                                 \
                        name##_v16[i] = stored_16(uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw)));                     \
                else                                                                                                  \
                        name##_v8[i] = packUnorm4x8(v);                                                               \
        }
#define STORE(name, i, v) name##_store(i, v)
#define STORE_PART(name, i, part, v) name##_v32[i][part] = floatBitsToUint(v)

// Operands of words, one (T is uint) or four (uvec4) an element: bytes as they are, for kernels that convert several at once.
#ifdef TEXELS
#define INPUT_WORDS(N, name, T) layout(set = 0, binding = N) uniform usamplerBuffer name;
#define LOAD_WORD(name, i) texelFetch(name, i).x
#define LOAD_WORDS(name, i) texelFetch(name, i)
#else
#define INPUT_WORDS(N, name, T) layout(std430, set = 0, binding = N) readonly buffer name##_words { T name[]; };
#define LOAD_WORD(name, i) name[i]
#define LOAD_WORDS(name, i) name[i]
#endif
#define OUTPUT_WORDS(name, T) layout(std430, set = 0, binding = RESULT) writeonly buffer name##_words { T name[]; };

// A picture's or map's pixel by its number, and the one after: CPU drivers divide lane by lane, and a remainder is another division.
ivec2 nth_pixel(int n, int width)
{
        const int y = n / width;
        return ivec2(n - y * width, y);
}

ivec2 next_pixel(ivec2 p, int width)
{
        return p.x + 1 < width ? p + ivec2(1, 0) : ivec2(0, p.y + 1);
}

// Where a map's pixel lies, see ops.h.
int at(map_params map, int pixel, int group)
{
        return (pixel >> 5) * (map.stride << 5) + ((map.first + group) << 5) + (pixel & 31);
}
