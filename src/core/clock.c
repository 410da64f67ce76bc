#include "clock.h"

#include <time.h>

#if defined(CLOCK_BOOTTIME)
#define ND_CLOCK CLOCK_BOOTTIME
#else
#define ND_CLOCK CLOCK_MONOTONIC
#endif

int64_t nd_clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(ND_CLOCK, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
