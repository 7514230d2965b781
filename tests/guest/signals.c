/*
 * Keeps a pattern in every AVX-512 register during many signals, whose handler overwrites all of them. Exit code: 0:
 * they survived; 1: they did not; 77: the processor has none.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* clang-format off */
#define ZMMS(X) \
        X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) \
        X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define KS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
/* clang-format on */

struct registers {
        uint8_t zmm[32][64];
        uint64_t k[8];
};

static volatile sig_atomic_t signals;

#define CLEAR_ZMM(n) "vpxorq %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define CLEAR_K(n) "kxorw %%k" #n ", %%k" #n ", %%k" #n "\n"

/* No clobbers are declared: a handler may destroy any register, and the kernel has to restore it. */
static void on_signal(int number)
{
        __asm__ volatile(ZMMS(CLEAR_ZMM) KS(CLEAR_K)::);
        signals++;
}

#define LOAD_ZMM(n) "vmovdqu64 64*" #n "(%[in]), %%zmm" #n "\n"
#define LOAD_K(n) "kmovw 64*32+8*" #n "(%[in]), %%k" #n "\n"
#define STORE_ZMM(n) "vmovdqu64 %%zmm" #n ", 64*" #n "(%[out])\n"
#define STORE_K(n) "kmovw %%k" #n ", 64*32+8*" #n "(%[out])\n"
#define NAME_ZMM(n) "zmm" #n,
#define NAME_K(n) "k" #n,

/* Loads the registers, waits long enough for several signals and stores them. */
__attribute__((target("avx512f"))) static void hold(const struct registers *in, struct registers *out)
{
        uint64_t rounds = 20 * 1000 * 1000;

        /* clang-format off */
        __asm__ volatile(ZMMS(LOAD_ZMM) KS(LOAD_K)
                         "1: dec %[rounds]\n"
                         "jnz 1b\n"
                         ZMMS(STORE_ZMM) KS(STORE_K)
                         : [rounds] "+r"(rounds)
                         : [in] "r"(in), [out] "r"(out)
                         : ZMMS(NAME_ZMM) KS(NAME_K) "memory", "cc");
        /* clang-format on */
}

int main(void)
{
        struct itimerval every = {{0, 1000}, {0, 1000}};
        struct registers in, out;
        int wrong = 0;

        if (!__builtin_cpu_supports("avx512f"))
                return 77;
        signal(SIGALRM, on_signal);
        setitimer(ITIMER_REAL, &every, NULL);
        for (int round = 0; signals < 100; round++) {
                for (size_t i = 0; i < sizeof in.zmm; i++)
                        in.zmm[i / 64][i % 64] = (uint8_t)(i * 7 + round);
                for (size_t i = 0; i < 8; i++)
                        in.k[i] = 0xa500 + i + round;
                memset(&out, 0, sizeof out);
                out.k[0] = in.k[0]; /* k0 is not tested */
                hold(&in, &out);
                /* kmovw writes only two bytes */
                for (size_t i = 0; i < 8; i++)
                        wrong += (uint16_t)in.k[i] != (uint16_t)out.k[i];
                wrong += memcmp(in.zmm, out.zmm, sizeof in.zmm) != 0;
        }
        fprintf(stderr, "%d signals, %d corruptions\n", (int)signals, wrong);
        return wrong ? 1 : 0;
}
