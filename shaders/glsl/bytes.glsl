// One byte of an operand of words, 0 to 255.  Shifted out of it: CPU drivers take long to index a vector.
#define BYTE(name, i) int(LOAD_WORD(name, (i) >> 2) >> ((i) & 3) * 8 & 255)
