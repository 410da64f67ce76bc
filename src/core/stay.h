/* Keeps the library in memory for as long as the process lives. */
#ifndef ND_STAY_H
#define ND_STAY_H

/*
 * Closing a Lua state unloads its libraries, but threads of libcurl's
 * resolver may still be running then, and the process has been told to call
 * ninedig at each fork.
 */
void nd_stay_loaded(void);

#endif
