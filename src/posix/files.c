/* Files that reach the disk, and that one process has for itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parts.h"

#define NDP_FILE "ninedig.posix.file"

/* Bytes that are read at a time, at most. */
#define CHUNK 65536

struct ndp_file {
    int fd; /* -1 once it is closed */
};

static int check_fd(lua_State *L)
{
    const struct ndp_file *file = luaL_checkudata(L, 1, NDP_FILE);

    luaL_argcheck(L, file->fd >= 0, 1, "the file is closed");
    return file->fd;
}

/* ----- opening and closing ----- */

static int flags_of(lua_State *L, int index)
{
    static const char *const names[] = {"read", "write", "create", NULL};
    static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_CREAT};

    return flags[luaL_checkoption(L, index, NULL, names)] | O_CLOEXEC |
           O_NOCTTY | O_NONBLOCK; /* a FIFO is refused and not waited for */
}

static bool is_regular(int fd)
{
    struct stat facts;

    return fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

/***
Open a regular file; what is made is for its owner alone. A folder, a device or
a FIFO is refused at once.
@function open
@tparam string path
@tparam string mode "read"; "write": it is there, and is read as well; "create":
the same, and it is made where it is not there
@treturn[1] userdata file
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number; 0 where it is no regular file
*/
static int posix_open(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    int flags = flags_of(L, 2);
    struct ndp_file *file = lua_newuserdata(L, sizeof *file);

    file->fd = -1;
    luaL_getmetatable(L, NDP_FILE); /* file metatable */
    lua_setmetatable(L, -2);
    file->fd = open(path, flags, S_IRUSR | S_IWUSR);
    if (file->fd < 0)
        return ndp_push_errno(L, path, errno);
    if (is_regular(file->fd))
        return 1;
    (void)close(file->fd);
    file->fd = -1;
    lua_pushnil(L);
    lua_pushfstring(L, "%s: is no regular file", path);
    lua_pushinteger(L, 0);
    return 3;
}

/***
Have the descriptors 0, 1 and 2 open: else a file, a socket or a pipe that is
opened later gets one of these numbers, and is taken for standard output. One
that was closed can then be neither read nor written, which is an error.
@function hold_standard
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int posix_hold_standard(lua_State *L)
{
    int fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest number that is free. */
        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return ndp_push_errno(L, "/dev/null", errno);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/***
Close it, which ends its lock; twice is no error.
@function file:close
*/
static int file_close(lua_State *L)
{
    struct ndp_file *file = luaL_checkudata(L, 1, NDP_FILE);

    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
    return 0;
}

/***
Lock it for this process, until it is closed or the process ends.
@function file:lock
@treturn[1] boolean false where another process has it
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int file_lock(lua_State *L)
{
    int fd = check_fd(L);
    struct flock all = {0};

    all.l_type = F_WRLCK;
    all.l_whence = SEEK_SET;
    if (fcntl(fd, F_SETLK, &all) == 0)
        lua_pushboolean(L, 1);
    else if (errno == EACCES || errno == EAGAIN)
        lua_pushboolean(L, 0);
    else
        return ndp_push_errno(L, NULL, errno);
    return 1;
}

/* ----- reading and writing ----- */

/***
Read what comes next, from the beginning on.
@function file:read
@treturn[1] string empty at its end
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int file_read(lua_State *L)
{
    int fd = check_fd(L);
    char chunk[CHUNK];
    ssize_t count;

    do {
        count = read(fd, chunk, sizeof chunk);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return ndp_push_errno(L, NULL, errno);
    lua_pushlstring(L, chunk, (size_t)count);
    return 1;
}

/* Writes as much as can be written; errno says why it is not all. */
static size_t write_at(int fd, off_t offset, const char *bytes, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t count =
            pwrite(fd, bytes + done, length - done, offset + (off_t)done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count == 0)
            errno = ENOSPC;
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    return done;
}

/***
Write a text at an offset.
@function file:write_at
@tparam integer offset
@tparam string bytes
@treturn integer how many bytes were written
@treturn ?string why not all of them
*/
static int file_write_at(lua_State *L)
{
    int fd = check_fd(L);
    off_t offset = (off_t)luaL_checknumber(L, 2);
    size_t length, done;
    const char *bytes = luaL_checklstring(L, 3, &length);

    done = write_at(fd, offset, bytes, length);
    lua_pushnumber(L, (lua_Number)done);
    if (done < length)
        lua_pushstring(L, strerror(errno));
    return done < length ? 2 : 1;
}

/* ----- the disk ----- */

static bool sync_fd(int fd)
{
    int result;

    do {
        result = fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

/***
Have what was written reach the disk.
@function file:sync
@treturn[1] boolean true
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int file_sync(lua_State *L)
{
    if (!sync_fd(check_fd(L)))
        return ndp_push_errno(L, NULL, errno);
    lua_pushboolean(L, 1);
    return 1;
}

/***
Have the names in a folder reach the disk.
@function sync_folder
@tparam string path
@treturn[1] boolean true, also where its file system has no such thing
@treturn[2] nil
@treturn[2] string why not
@treturn[2] integer error number
*/
static int posix_sync_folder(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = 0;

    if (fd < 0)
        return ndp_push_errno(L, path, errno);
    if (!sync_fd(fd) && errno != EINVAL && errno != EROFS)
        number = errno;
    (void)close(fd);
    if (number != 0)
        return ndp_push_errno(L, path, number);
    lua_pushboolean(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"lock", file_lock}, {"read", file_read},   {"write_at", file_write_at},
    {"sync", file_sync}, {"close", file_close}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", posix_open},
    {"hold_standard", posix_hold_standard},
    {"sync_folder", posix_sync_folder},
    {NULL, NULL},
};

void ndp_add_files(lua_State *L)
{
    ndp_new_type(L, NDP_FILE, methods);
    ndl_set_functions(L, functions, 0);
}
