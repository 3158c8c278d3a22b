/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file probe_test.c  The kernel's facts about sockets that this test holds itself.
 */
#include "probe/probe.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/** A listener, a connection to it, and its accepted end; -1 before. */
struct trio {
    int listener, client, server;
    uint16_t port;
};

/** loopback() - 127.0.0.1, port @port */
static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/** open_trio() - on a port that the kernel chooses; accepted or left in the queue */
static struct trio open_trio(bool accepted)
{
    struct trio t = {.listener = socket(AF_INET, SOCK_STREAM, 0),
                     .client = socket(AF_INET, SOCK_STREAM, 0),
                     .server = -1};
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof a;

    cr_assert_eq(bind(t.listener, (struct sockaddr *)&a, sizeof a), 0);
    cr_assert_eq(listen(t.listener, 7), 0);
    cr_assert_eq(getsockname(t.listener, (struct sockaddr *)&a, &len), 0);
    t.port = ntohs(a.sin_port);
    cr_assert_eq(connect(t.client, (struct sockaddr *)&a, sizeof a), 0);
    if (accepted) {
        t.server = accept(t.listener, NULL, NULL);
        cr_assert_geq(t.server, 0);
    }
    return t;
}

/** close_trio() - all ends */
static void close_trio(struct trio *t)
{
    close(t->listener);
    close(t->client);
    if (t->server >= 0)
        close(t->server);
}

/** sample() - must succeed */
static const struct facts *sample(struct probe *p)
{
    char why[PROBE_WHY] = "";
    const struct facts *f = probe_sample(p, why);

    cr_assert_not_null(f, "%s", why);
    return f;
}

/** begin() - a probe of the namespace we are in */
static struct probe *begin(void)
{
    char why[PROBE_WHY] = "";
    struct probe *p = probe_new(&(struct probe_options){0}, why);

    cr_assert_not_null(p, "%s", why);
    return p;
}

/** find() - the socket of that kind with this local and remote port (0: any) */
static const struct fact_conn *find(const struct facts *f, enum gn_kind kind, uint16_t local,
                                    uint16_t remote)
{
    for (size_t i = 0; i < f->n_conns; i++) {
        const struct fact_conn *c = &f->conn[i];

        if (c->kind == kind && (!local || c->local.port == local) &&
            (!remote || c->remote.port == remote))
            return c;
    }
    cr_assert_fail("no socket %u -> %u", local, remote);
    return NULL;
}

Test(probe, names_our_own_process)
{
    struct trio t = open_trio(true);
    struct probe *p = begin();
    const struct facts *f = sample(p);
    const struct fact_conn *listener = find(f, GN_KIND_LISTENER, t.port, 0),
                           *server = find(f, GN_KIND_CONNECTION, t.port, 0),
                           *client = find(f, GN_KIND_CONNECTION, 0, t.port);

    cr_expect_eq(f->source, FACTS_KERNEL);
    cr_assert_lt(listener->process, f->n_processes);
    cr_expect_eq(f->process[listener->process].pid, (uint32_t)getpid());
    cr_expect(strlen(f->process[listener->process].comm) > 0);
    cr_expect_geq(f->process[listener->process].fds, 6);
    cr_expect_gt(f->process[listener->process].fd_limit, 0);
    cr_expect_eq(server->process, listener->process);
    cr_expect_eq(client->process, listener->process);
    cr_expect_eq(&f->conn[server->listener], listener);
    cr_expect_eq(client->listener, FACT_NONE);
    cr_expect_eq(listener->send_q, 7, "the backlog");
    cr_expect_eq(client->state, GN_ESTABLISHED);
    cr_expect(client->known & FACT_INFO && client->known & FACT_BUFFERS);
    cr_expect_gt(client->info.snd_mss, 0);
    cr_expect_neq(facts_counter(f, "TcpActiveOpens", -1), -1);
    cr_expect_neq(facts_setting(f, "tcp_fin_timeout", -1), -1);
    probe_free(p);
    close_trio(&t);
}

Test(probe, what_waits_to_be_accepted_is_the_listeners_business)
{
    struct trio t = open_trio(false);
    struct probe *p = begin();
    const struct facts *f = sample(p);
    const struct fact_conn *listener = find(f, GN_KIND_LISTENER, t.port, 0),
                           *server = find(f, GN_KIND_CONNECTION, t.port, 0);

    cr_expect_eq(listener->recv_q, 1);
    cr_expect_eq(server->inode, 0);
    cr_expect_eq(server->process, listener->process);
    cr_expect(server->known & FACT_OWNER);
    probe_free(p);
    close_trio(&t);
}

Test(probe, descriptors_with_gaps_are_found_too)
{
    struct trio t = open_trio(true);
    int far = fcntl(t.client, F_DUPFD, 900);
    struct probe *p = begin();
    const struct facts *f;

    cr_assert_geq(far, 900);
    close(t.client);
    t.client = far;
    f = sample(p);
    cr_expect_eq(f->process[find(f, GN_KIND_CONNECTION, 0, t.port)->process].pid,
                 (uint32_t)getpid());
    probe_free(p);
    close_trio(&t);
}

Test(probe, a_second_sample_knows_what_the_first_saw)
{
    struct trio t = open_trio(true);
    struct probe *p = begin();
    int64_t opens = facts_counter(sample(p), "TcpActiveOpens", -1);
    const struct timespec wait = {.tv_nsec = 50000000};
    struct trio more = open_trio(true);
    const struct facts *f;
    const struct fact_conn *client;

    nanosleep(&wait, NULL);
    f = sample(p);
    cr_expect_geq(f->interval, 50 * GN_MSEC);
    cr_expect_geq(facts_growth(f, "TcpActiveOpens"), 1);
    cr_expect_gt(facts_counter(f, "TcpActiveOpens", -1), opens);
    client = find(f, GN_KIND_CONNECTION, 0, t.port);
    cr_expect(client->known & FACT_AGE_MIN);
    cr_expect_geq(client->in_state, 50 * GN_MSEC);
    shutdown(t.client, SHUT_WR);
    f = sample(p);
    client = find(f, GN_KIND_CONNECTION, 0, t.port);
    cr_expect_neq(client->state, GN_ESTABLISHED);
    cr_expect_lt(client->in_state, f->interval + 20 * GN_MSEC, "a state of its own age");
    probe_free(p);
    close_trio(&more);
    close_trio(&t);
}

Test(probe, a_namespace_that_is_not_there)
{
    static const char *const names[] = {"no-such-namespace", "4294967295", "/nowhere/at/all"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char why[PROBE_WHY] = "";

        cr_expect_null(probe_new(&(struct probe_options){.netns = &names[i], .n_netns = 1}, why));
        cr_expect(strstr(why, names[i]) != NULL && strstr(why, "none of that name") != NULL, "%s",
                  why);
    }
}

Test(probe, a_path_that_is_no_namespace)
{
    static const char *const name = "/dev/null";
    char why[PROBE_WHY] = "";
    struct probe *p = probe_new(&(struct probe_options){.netns = &name, .n_netns = 1}, why);

    cr_assert_not_null(p);
    cr_expect_null(probe_sample(p, why));
    cr_expect(strstr(why, "/dev/null") != NULL, "%s", why);
    probe_free(p);
}
