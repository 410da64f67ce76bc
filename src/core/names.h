/* What the names of errors mean, from names.def. */
#ifndef ND_NAMES_H
#define ND_NAMES_H

struct nd_name {
    const char *name;
    const char *kind;
    const char *message; /* what it means, and what to do */
};

/* Every name but those of reasons; ends in a NULL name. */
extern const struct nd_name nd_names[];

#endif
