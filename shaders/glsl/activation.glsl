// max(a, b).  CPU drivers' own returns the other if one is no number, and takes three instructions for that.
vec4 larger(vec4 a, vec4 b)
{
#ifdef TEXELS
        return mix(b, a, greaterThan(a, b));
#else
        return max(a, b);
#endif
}

vec4 activate(activation_params a, vec4 x)
{
        return min(larger(x, a.slope * x), a.ceiling);
}
