#define _GNU_SOURCE /* dladdr, and on glibc RTLD_NOLOAD */

#include "stay.h"

#include <dlfcn.h>

/*
 * By asking the dynamic linker, and not with -z nodelete, which only some
 * linkers know.  It fails where ninedig is a part of the program, and there
 * nothing can unload it.
 */
void nd_stay_loaded(void)
{
    static const char here = 0;
    Dl_info library;

    if (dladdr(&here, &library) != 0)
        (void)dlopen(library.dli_fname,
                     RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
