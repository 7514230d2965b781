// Operands of an operator: arrays of vec4, whatever their storage.  Inputs are bindings 0 to 3, the output is binding 4.
//
// With TEXELS the inputs are texel buffers: the view's format converts, and on CPU drivers a fetch compiles to straight code where
// a storage buffer's load becomes a loop over the lanes (for stores it is the other way round).  Otherwise they are storage
// buffers (texel buffers hold as few as 65,536 elements on some devices).  Storage buffers are converted here, by a
// specialization constant; halves need no extension, only core packing.
#extension GL_EXT_control_flow_attributes : require
#include "shaders/glsl/params.h"

// Of groups that LINEAR_GROUPS laid out, 64 invocations each.
#define LINEAR_INVOCATION int((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * 64 + gl_LocalInvocationID.x)

const int F32 = 0, F16 = 1; // enum kernel_format; 2 is U8

#define STORAGE(N, name, access)                                                                                      \
        layout(constant_id = N) const int name##_format = 0;                                                          \
        layout(std430, set = 0, binding = N) access buffer name##_32 { vec4 name##_v32[]; };                          \
        layout(std430, set = 0, binding = N) access buffer name##_16 { uvec2 name##_v16[]; };                         \
        layout(std430, set = 0, binding = N) access buffer name##_8 { uint name##_v8[]; };

#ifdef TEXELS
#define INPUT(N, name) layout(set = 0, binding = N) uniform samplerBuffer name;
#define LOAD(name, i) texelFetch(name, i)
#else
#define INPUT(N, name)                                                                                                \
        STORAGE(N, name, readonly)                                                                                    \
        vec4 name##_load(int i)                                                                                       \
        {                                                                                                             \
                if (name##_format == F32)                                                                             \
                        return name##_v32[i];                                                                         \
                if (name##_format == F16)                                                                             \
                        return vec4(unpackHalf2x16(name##_v16[i].x), unpackHalf2x16(name##_v16[i].y));                \
                return unpackUnorm4x8(name##_v8[i]);                                                                  \
        }
#define LOAD(name, i) name##_load(i)
#endif

#define OUTPUT(name)                                                                                                  \
        STORAGE(4, name, writeonly)                                                                                   \
        void name##_store(int i, vec4 v)                                                                              \
        {                                                                                                             \
                if (name##_format == F32)                                                                             \
                        name##_v32[i] = v;                                                                            \
                else if (name##_format == F16)                                                                        \
                        name##_v16[i] = uvec2(packHalf2x16(v.xy), packHalf2x16(v.zw));                                \
                else                                                                                                  \
                        name##_v8[i] = packUnorm4x8(v);                                                               \
        }
#define STORE(name, i, v) name##_store(i, v)

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
#define OUTPUT_WORDS(name, T) layout(std430, set = 0, binding = 4) writeonly buffer name##_words { T name[]; };

// Where a map's pixel lies, see ops.h.
int at(map_params map, int pixel, int group)
{
        return (pixel >> 5) * (map.stride << 5) + ((map.first + group) << 5) + (pixel & 31);
}
