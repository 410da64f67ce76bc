/* Whom a connection trusts. */
#ifndef ND_TRUST_H
#define ND_TRUST_H

/* Has easy, a CURL, trust the certificates in this file alone, or where it is
 * NULL those of the system.  The result is 0 or a CURLcode. */
int nd_trust_set(void *easy, const char *ca_file);

#endif
