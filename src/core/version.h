/* The version of ninedig, in this one place. */
#ifndef ND_VERSION_H
#define ND_VERSION_H

#define ND_VERSION "0.1.0"

#endif
