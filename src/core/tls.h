/* What libcurl does not tell of TLS. */
#ifndef ND_TLS_H
#define ND_TLS_H

#include <stdbool.h>

/* Whether the other side has ended what it says, by a close_notify.  easy is
 * a CURL that has received over TLS and was told that this is the end. */
bool nd_tls_end_was_said(void *easy);

#endif
