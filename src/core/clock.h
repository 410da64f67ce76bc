/* The clock by which calls are timed. */
#ifndef ND_CLOCK_H
#define ND_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that is never set, and goes on while the machine
 * is suspended, where there is one that does. */
int64_t nd_clock_ms(void);

#endif
