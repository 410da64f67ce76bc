/* The engine: all transfers of one Lua state, with their connections.  It
 * runs only while somebody steps it or waits: it has no thread and no
 * lock. */
#ifndef ND_ENGINE_H
#define ND_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "transfer.h"

/* NULL on failure. */
struct nd_engine *nd_engine_new(struct nd_error *err);

/* Ends what is under way, see nd_engine_cancel.  Takes NULL.  In a child of
 * the process that made it, nothing of libcurl's is touched. */
void nd_engine_free(struct nd_engine *engine);

/* This process was forked off the one that made the engine.  The engine
 * must then be freed and another one made. */
bool nd_engine_is_foreign(const struct nd_engine *engine);

/* Hands over a ready transfer; cannot fail.  Nothing is sent before the
 * next step. */
void nd_engine_submit(struct nd_engine *engine, struct nd_transfer *transfer);

/* Who starts, steps or waits from now on; 0 at first.  Of the transfers that
 * belong to a caller, only the own ones are begun: one that has gone away, as
 * an event loop's task may without a word, never comes to have them sent.
 * Callers below zero are led: ND_LEADER speaks for all of them. */
#define ND_LEADER (-1)
void nd_engine_set_caller(struct nd_engine *engine, intptr_t caller);

/* Starts what may start, and looks at no socket: it takes no longer where
 * much is under way. */
void nd_engine_start(struct nd_engine *engine);

/* Does what can be done without waiting. */
void nd_engine_step(struct nd_engine *engine);

/* The same, after blocking until there is something to do, at most that
 * long, or until a signal comes. */
void nd_engine_wait(struct nd_engine *engine, long timeout_ms);

/* From now on a wait ends where there is something to read at fd, too; it
 * stays there.  -1 for none.  False where memory is out. */
bool nd_engine_set_bell(struct nd_engine *engine, int fd);

/* Transfers queued or running. */
size_t nd_engine_in_flight(const struct nd_engine *engine);

/* Transfers that have ended so far. */
size_t nd_engine_ended(const struct nd_engine *engine);

/* Gives a queued or running transfer up; it is then done.  What was sent is
 * reset, so that this machine delivers nothing of it later; the service may
 * have it all the same.  A foreign engine's counts as sent, as the parent
 * goes on with it. */
void nd_engine_cancel(struct nd_transfer *transfer);

#endif
