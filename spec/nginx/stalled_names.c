/* Preloaded into nginx: a name server that does not answer.  Any name is
 * looked up for five seconds, in vain; addresses are read as ever. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

typedef int look_up(const char *name, const char *service,
                    const struct addrinfo *hints, struct addrinfo **found);

static int is_address(const char *name)
{
    struct in6_addr address;

    return inet_pton(AF_INET, name, &address) == 1 ||
           inet_pton(AF_INET6, name, &address) == 1;
}

look_up getaddrinfo;

int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **found)
{
    look_up *next;

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || is_address(name))
        return next(name, service, hints, found);
    (void)sleep(5);
    return EAI_AGAIN;
}
