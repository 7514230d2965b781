// VALUE is vec4, or float in kernels where an invocation computes a single channel.
#ifndef VALUE
#define VALUE vec4
#endif

// max(a, b); a if one of them is no number.  CPU drivers' own returns the other one then, and takes longer for that.
VALUE larger(VALUE a, VALUE b)
{
#ifdef TEXELS
        return mix(a, b, greaterThan(b, a));
#else
        return max(a, b);
#endif
}

VALUE activate(activation_params a, VALUE x)
{
        return min(larger(x, a.slope * x), a.ceiling);
}
