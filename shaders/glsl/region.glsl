// A region of a picture (struct gpu_region): two rows to the picture, two back from it.
vec2 transform(vec4 x, vec4 y, vec2 place)
{
        return vec2(dot(x.xyz, vec3(place, 1)), dot(y.xyz, vec3(place, 1)));
}

#define TO_PICTURE(region) LOAD(region, 0), LOAD(region, 1)
#define FROM_PICTURE(region) LOAD(region, 2), LOAD(region, 3)
