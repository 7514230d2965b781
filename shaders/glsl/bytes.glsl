// One byte of an operand of bytes, 0 to 1.
#define BYTE(name, i) (LOAD(name, (i) >> 2)[(i) & 3])
