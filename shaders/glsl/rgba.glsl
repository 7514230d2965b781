// An opaque pixel's word and back, 0 to 255.
uint to_pixel(vec3 color)
{
        ivec3 v = ivec3(clamp(color, 0, 255) + 0.5);
        return uint(v.r | v.g << 8 | v.b << 16) | 0xff000000u;
}

vec3 from_pixel(uint word)
{
        return vec3(ivec3(word & 255, word >> 8 & 255, word >> 16 & 255));
}
