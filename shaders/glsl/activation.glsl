// max(a, b); a if one of them is no number.  CPU drivers' own returns the other one then, and takes longer for that.
vec4 larger(vec4 a, vec4 b)
{
#ifdef TEXELS
        return mix(a, b, greaterThan(b, a));
#else
        return max(a, b);
#endif
}

vec4 activate(activation_params a, vec4 x)
{
        return min(larger(x, a.slope * x), a.ceiling);
}
