#include "names.h"

#include <stddef.h>

const struct nd_name nd_names[] = {
#define ND_NAME(name, kind, means, advice) {#name, kind, means "; " advice},
#include "names.def"
#undef ND_NAME
    {NULL, NULL, NULL}};
