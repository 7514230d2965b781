// One byte of an operand of words, 0 to 255.  It is shifted, because CPU drivers are slow at indexing vectors.
#define BYTE(name, i) int(LOAD_WORD(name, (i) >> 2) >> ((i) & 3) * 8 & 255)
