#include <pthread.h>
#include <stddef.h>

#include "tests/faults/faults.h"

#define FAULT_NAME(name) [FAULT_##name] = #name,
static const char *const names[] = {FAULT_POINTS(FAULT_NAME)[FAULT_ANY] = "any of Vulkan's"};

/* Threads of the program under test count here, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault plan;
static unsigned calls[FAULTS], injected;
static bool counting;

const char *fault_name(enum fault_point point)
{
        return names[point];
}

void faults_begin(const struct fault *fault)
{
        pthread_mutex_lock(&lock);
        plan = fault ? *fault : (struct fault){.point = FAULTS};
        for (int i = 0; i < FAULTS; i++)
                calls[i] = 0;
        injected = 0;
        counting = true;
        pthread_mutex_unlock(&lock);
}

void faults_end(void)
{
        pthread_mutex_lock(&lock);
        counting = false;
        pthread_mutex_unlock(&lock);
}

unsigned faults_calls(enum fault_point point)
{
        pthread_mutex_lock(&lock);
        unsigned ret = calls[point];
        pthread_mutex_unlock(&lock);
        return ret;
}

unsigned faults_injected(void)
{
        pthread_mutex_lock(&lock);
        unsigned ret = injected;
        pthread_mutex_unlock(&lock);
        return ret;
}

bool faults_counting(void)
{
        pthread_mutex_lock(&lock);
        bool ret = counting;
        pthread_mutex_unlock(&lock);
        return ret;
}

static bool is_due(enum fault_point point)
{
        unsigned n = calls[point]++;

        return plan.point == point && n >= plan.nth && n - plan.nth < plan.times;
}

int fault_due(enum fault_point point)
{
        bool due = false;

        pthread_mutex_lock(&lock);
        if (counting) {
                due = is_due(point);
                if (point < FAULT_HOST)
                        due |= is_due(FAULT_ANY);
                injected += due;
        }
        int result = due ? plan.result : 0;
        pthread_mutex_unlock(&lock);
        return result;
}
