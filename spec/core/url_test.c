/* url.c: which addresses ninedig may speak to. */
#include "support.h"

#include "../../src/core/url.h"

static bool is_loopback(const char *url)
{
    bool loopback;

    assert_true(nd_url_look_for_loopback(url, &loopback));
    return loopback;
}

static void expect(bool good, const char *url)
{
    struct nd_error err = junk_error();

    if (nd_check_base_url("base_url", url, &err) != good)
        fail_msg("%s was %s", url, good ? "refused" : "accepted");
    if (!good)
        assert_bad_argument(&err, "BAD_VALUE", "base_url");
}

static void accepts_https_to_any_host(void **state)
{
    static const char *const good[] = {
        "https://partners.99digital.co.il/api",
        "https://partners.99digital.co.il/api/",
        "https://host",
        "https://host/",
        "https://host:8443/a/b",
        "https://10.0.0.1/api",
        "https://[2001:db8::1]:443/api",
        "HTTPS://HOST/API",
        "https://localhost.evil.com", /* TLS proves who it is */
        "https://host/a%20b",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++)
        expect(true, good[i]);
}

static void accepts_http_to_loopback_alone(void **state)
{
    static const char *const good[] = {
        "http://127.0.0.1",
        "http://127.0.0.1:8080/api",
        "http://127.255.255.254/",
        "http://127.1.2.3",
        "http://localhost",
        "http://localhost:1/api",
        "http://LocalHost/",
        "HTTP://127.0.0.1/",
        "http://[::1]",
        "http://[::1]:8080/api",
    };
    static const char *const wrong[] = {
        "http://partners.99digital.co.il/api",
        "http://localhost.evil.com",
        "http://localhost.localdomain",
        "http://127.0.0.1.evil.com",
        "http://evil.com/127.0.0.1",
        "http://evil.com:80/localhost",
        "http://127.0.0.1evil.com",
        "http://127-0-0-1.evil.com",
        "http://localhostevil.com",
        "http://xlocalhost",
        "http://128.0.0.1",
        "http://126.255.255.255",
        "http://0.0.0.0",
        "http://0",
        "http://10.127.0.1",
        "http://192.168.0.1",
        "http://169.254.169.254",
        "http://[::]",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
        "http://[2001:db8::1]",
        "http://[fe80::1]",
        "http://[::1].evil.com",
        "http://127.0.0.256",
        "http://127.0.0.1.1",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++)
        expect(true, good[i]);
    for (i = 0; i < COUNT(wrong); i++)
        expect(false, wrong[i]);
}

/*
 * Other spellings of an address.  Where they are accepted, libcurl has read
 * them as an address of 127.0.0.0/8, and connects to that.
 */
static void reads_odd_spellings_as_libcurl_does(void **state)
{
    static const char *const loopback[] = {
        "http://127.1",           "http://0x7f.1",      "http://0x7f000001",
        "http://2130706433",      "http://0177.0.0.1",  "http://0x7F.0.0.1/",
        "http://%31%32%37.0.0.1", "http://%6cocalhost",
    };
    static const char *const elsewhere[] = {
        "http://128.1",
        "http://0x80.1",
        "http://0x0a000001",
        "http://2147483649",
        "http://0200.0.0.1",
        "http://0127.0.0.1",
        "http://%31%32%38.0.0.1",
        "http://loc%61lhost%2eevil.com",
        "http://127.0.0.1%2eevil.com",
        "http://127.0.0.1%00.evil.com",
        "http://127.0.0.1%2f.evil.com",
        "http://127.0.0.1%40evil.com",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(loopback); i++) {
        expect(true, loopback[i]);
        assert_true(is_loopback(loopback[i]));
    }
    for (i = 0; i < COUNT(elsewhere); i++)
        expect(false, elsewhere[i]);
    /* 127.0.0.0 from libcurl 8.21 on, and a name before. */
    expect(is_loopback("http://127.0.0."), "http://127.0.0.");
}

static void refuses_user_query_and_fragment(void **state)
{
    static const char *const wrong[] = {
        "https://user@host/api",
        "https://user:password@host/api",
        "https://@host",
        "https://:@host",
        "http://127.0.0.1@evil.com",
        "http://127.0.0.1:80@evil.com",
        "http://evil.com@127.0.0.1",
        "http://evil.com#@127.0.0.1",
        "http://127.0.0.1#@evil.com",
        "https://host/api?x=1",
        "https://host?",
        "https://host/api#top",
        "https://host#",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(wrong); i++)
        expect(false, wrong[i]);
}

static void refuses_what_parsers_read_differently(void **state)
{
    static const char *const wrong[] = {
        "",
        " ",
        "host",
        "host/api",
        "//host/api",
        "https:host",
        "https:/host",
        "https://",
        "https:///",
        "https:////",
        "https://:443",
        "https://:443/api",
        "https://host:port",
        "https://host:65536",
        "https://host:-1",
        "https://host:443:443",
        "https://[::1",
        "https://ho st/",
        " https://host",
        "https://host ",
        "https://host\n",
        "https://host/\r\nX: y",
        "https://host\t",
        "https://host\\api",
        "https:\\\\host",
        "http://evil.com\\@127.0.0.1",
        "http://127.0.0.1\\.evil.com",
        "https://host/\x7f",
        "https://h\xc3\xb6st/",
        "https://host/\x80",
        "ftp://host",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "gopher://127.0.0.1",
        "ws://127.0.0.1",
        "javascript://x",
        "httpss://host",
        "http:https://host",
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(wrong); i++)
        expect(false, wrong[i]);
}

static void tells_plain_http(void **state)
{
    (void)state;
    assert_true(nd_url_is_plain("http://127.0.0.1/"));
    assert_true(nd_url_is_plain("HTTP://127.0.0.1/"));
    assert_false(nd_url_is_plain("https://127.0.0.1/"));
    assert_false(nd_url_is_plain("HTTPS://127.0.0.1/"));
    assert_false(nd_url_is_plain(""));
}

/* A proxy may be written without its scheme. */
static void tells_a_loopback_host(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1:3128"));
    assert_true(is_loopback("localhost:3128"));
    assert_true(is_loopback("socks5h://[::1]:1080"));
    assert_true(is_loopback("http://user:password@127.0.0.1:3128"));
    assert_false(is_loopback("http://127.0.0.1@proxy.example:3128"));
    assert_false(is_loopback("proxy.example:3128"));
    assert_false(is_loopback("socks5h://10.0.0.1:1080"));
    assert_false(is_loopback(""));
}

static void checks_proxies(void **state)
{
    static const char *const good[] = {
        "http://proxy:3128", "https://proxy:3128",  "socks4://proxy",
        "socks4a://proxy",   "socks5://proxy:1080", "socks5h://proxy",
        "SOCKS5://proxy",    "proxy.example:3128",  "http://user:pw@proxy",
        "10.0.0.1:3128",
    };
    static const char *const wrong[] = {
        "ftp://proxy",         "file:///x",         "http://",
        "http://pro xy",       "http://proxy\n",    "\n",
        "http://proxy\\evil",  "http://proxy:port", "tcp://proxy",
        "http://pr\xc3\xb6xy",
    };
    struct nd_error err;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++) {
        if (!nd_check_proxy_url("proxy", good[i], &err))
            fail_msg("%s: %s", good[i], err.message);
    }
    for (i = 0; i < COUNT(wrong); i++) {
        err = junk_error();
        if (nd_check_proxy_url("proxy", wrong[i], &err))
            fail_msg("%s was accepted", wrong[i]);
        assert_bad_argument(&err, "BAD_VALUE", "proxy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_https_to_any_host),
        cmocka_unit_test(accepts_http_to_loopback_alone),
        cmocka_unit_test(reads_odd_spellings_as_libcurl_does),
        cmocka_unit_test(refuses_user_query_and_fragment),
        cmocka_unit_test(refuses_what_parsers_read_differently),
        cmocka_unit_test(tells_plain_http),
        cmocka_unit_test(tells_a_loopback_host),
        cmocka_unit_test(checks_proxies),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
