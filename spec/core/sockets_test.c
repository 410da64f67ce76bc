/* Tests sockets.c with connections of its own on the loopback interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/core/sockets.h"

#define LONG_MS 60000

static struct nd_sockets sockets;
static int listener;
static int server_port;
static int client; /* the engine's end of a connection */
static int server; /* the service's end */
static int client_port;

static int port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    assert_int_equal(
        getsockname(fd, (struct sockaddr *)(void *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static int set_up(void **state)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    (void)state;
    memset(&sockets, 0, sizeof sockets);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, size),
                     0);
    assert_int_equal(listen(listener, 1), 0);
    server_port = port_of(listener);
    client = nd_sockets_open(&sockets, AF_INET, SOCK_STREAM, 0);
    assert_true(client >= 0);
    address.sin_port = htons((uint16_t)server_port);
    assert_int_equal(
        connect(client, (struct sockaddr *)(void *)&address, size), 0);
    server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    client_port = port_of(client);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (client >= 0)
        (void)nd_sockets_close(&sockets, client);
    (void)close(server);
    (void)close(listener);
    assert_int_equal(sockets.open_count, 0);
    nd_sockets_free(&sockets);
    return 0;
}

static bool is_fit_to(const char *remote_ip, int remote_port,
                      int64_t max_idle_ms, int *fd)
{
    struct nd_ends ends = {.port = client_port, .remote_port = remote_port};

    (void)snprintf(ends.remote_ip, sizeof ends.remote_ip, "%s", remote_ip);
    return nd_sockets_is_fit(&sockets, &ends, max_idle_ms, fd);
}

static bool is_fit(int64_t max_idle_ms, int *fd)
{
    return is_fit_to("127.0.0.1", server_port, max_idle_ms, fd);
}

/* Its first request has had its answer. */
static void use_once(void)
{
    int fd;

    assert_true(is_fit(LONG_MS, &fd));
    assert_int_equal(fd, client);
    nd_sockets_set_idle(&sockets, fd);
}

/* Until what the service sent has arrived. */
static void wait_for_input(void)
{
    struct pollfd input = {client, POLLIN, 0};

    assert_int_equal(poll(&input, 1, LONG_MS), 1);
}

static void opens_sockets_that_children_do_not_inherit(void **state)
{
    (void)state;
    assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
}

static void finds_a_new_connection_fit(void **state)
{
    int fd;

    (void)state;
    assert_true(is_fit(0, &fd));
    assert_int_equal(fd, client);
}

static void finds_a_silent_connection_fit(void **state)
{
    int fd;

    (void)state;
    use_once();
    assert_true(is_fit(LONG_MS, &fd));
    assert_int_equal(fd, client);
}

static void finds_a_connection_unfit_that_was_idle_too_long(void **state)
{
    int fd;

    (void)state;
    use_once();
    sockets.open[0].used_ms -= 1001;
    assert_false(is_fit(1000, &fd));
    assert_true(is_fit(LONG_MS, &fd));
}

static void
finds_a_connection_unfit_with_an_answer_that_nobody_asked_for(void **state)
{
    int fd;

    (void)state;
    use_once();
    assert_int_equal(send(server, "H", 1, 0), 1);
    wait_for_input();
    assert_false(is_fit(LONG_MS, &fd));
}

static void finds_a_connection_unfit_that_the_service_has_closed(void **state)
{
    int fd;

    (void)state;
    use_once();
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    wait_for_input();
    assert_false(is_fit(LONG_MS, &fd));
}

static void knows_nothing_of_other_connections(void **state)
{
    int fd;

    (void)state;
    use_once();
    assert_true(is_fit_to("127.0.0.1", server_port + 1, 0, &fd));
    assert_int_equal(fd, -1);
    assert_true(is_fit_to("127.0.0.2", server_port, 0, &fd));
    assert_int_equal(fd, -1);
}

static void finds_a_connection_unfit_whose_answer_is_not_whole(void **state)
{
    int fd;

    (void)state;
    assert_true(is_fit(LONG_MS, &fd));
    assert_false(is_fit(LONG_MS, &fd));
}

static void forgets_what_is_closed(void **state)
{
    int fd;

    (void)state;
    use_once();
    assert_int_equal(nd_sockets_close(&sockets, client), 0);
    client = -1;
    assert_int_equal(sockets.open_count, 0);
    assert_true(is_fit(0, &fd));
    assert_int_equal(fd, -1);
}

static void watches_what_it_is_told_to(void **state)
{
    int fd;

    (void)state;
    for (fd = 100; fd < 150; fd++)
        assert_true(nd_sockets_watch(&sockets, fd, POLLIN));
    assert_int_equal(sockets.watched_count, 50);
    assert_true(nd_sockets_watch(&sockets, 120, POLLOUT));
    assert_int_equal(sockets.watched_count, 50);
    assert_int_equal(sockets.watched[20].events, POLLOUT);
    for (fd = 100; fd < 150; fd += 2)
        assert_true(nd_sockets_watch(&sockets, fd, 0));
    assert_int_equal(sockets.watched_count, 25);
    for (fd = 0; fd < 25; fd++)
        assert_int_equal(sockets.watched[fd].fd % 2, 1);
    assert_true(nd_sockets_watch(&sockets, 100, 0)); /* none, and no error */
    assert_int_equal(sockets.watched_count, 25);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(opens_sockets_that_children_do_not_inherit),
        TEST(finds_a_new_connection_fit),
        TEST(finds_a_silent_connection_fit),
        TEST(finds_a_connection_unfit_that_was_idle_too_long),
        TEST(finds_a_connection_unfit_with_an_answer_that_nobody_asked_for),
        TEST(finds_a_connection_unfit_that_the_service_has_closed),
        TEST(finds_a_connection_unfit_whose_answer_is_not_whole),
        TEST(knows_nothing_of_other_connections),
        TEST(forgets_what_is_closed),
        TEST(watches_what_it_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
