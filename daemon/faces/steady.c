#include <math.h>

#include "daemon/faces/steady.h"

/* Cutoff frequencies in hertz: of a value at rest; of its speed; and what a speed of one unit per second adds. */
#define CUTOFF_LEAST 1.0f
#define CUTOFF_SPEED 1.0f
#define BETA 8.0f

static float weight(float cutoff, float seconds)
{
        const float tau = 1 / (2 * 3.14159265f * cutoff);

        return 1 / (1 + tau / seconds);
}

float steady_filter(struct steady *steady, float value, float unit, uint64_t time_ns)
{
        if (steady->time_ns == 0 || time_ns <= steady->time_ns) {
                *steady = (struct steady){.value = value, .raw = value, .time_ns = time_ns};
                return value;
        }
        const float seconds = 1e-9f * (time_ns - steady->time_ns);
        const float speed = (value - steady->raw) / seconds;

        steady->speed += weight(CUTOFF_SPEED, seconds) * (speed - steady->speed);
        const float cutoff = CUTOFF_LEAST + BETA * fabsf(steady->speed) / unit;
        steady->value += weight(cutoff, seconds) * (value - steady->value);
        steady->raw = value;
        steady->time_ns = time_ns;
        return steady->value;
}
