/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file demo_table.c  The scripts of the demonstrations.
 *
 * One way takes 10 ms. Times are milliseconds; A is the left end, B the right one.
 */
#include "cli/demo.h"

#include <string.h>
#include <strings.h>

#define A 0
#define B 1
#define OPENED              \
    {0, B, DO_LISTEN, 0},   \
    {                       \
        0, A, DO_CONNECT, 0 \
    }

/* clang-format off */
static const struct demo demos[] = {
    {"handshake", "the three-way handshake", {GN_ESTABLISHED, GN_ESTABLISHED}, 100, {0}, 0,
     {OPENED}},
    {"data", "data both ways, acknowledged", {GN_ESTABLISHED, GN_ESTABLISHED}, 600, {0}, 0,
     {OPENED, {50, A, DO_SEND, 300}, {150, B, DO_SEND, 4000}}},
    {"close", "a whole life: open, a request, an answer, close, 2MSL", {GN_CLOSED, GN_CLOSED}, 61000, {0}, 0,
     {OPENED, {50, A, DO_SEND, 100}, {100, B, DO_SEND, 1000}, {200, A, DO_CLOSE, 0}, {250, B, DO_CLOSE, 0}}},
    {"half-close", "A closes, B still sends", {GN_TIME_WAIT, GN_CLOSED}, 600, {0}, 0,
     {OPENED, {100, A, DO_CLOSE, 0}, {200, B, DO_SEND, 500}, {300, B, DO_CLOSE, 0}}},
    {"simultaneous-open", "both ends open at once: the SYNs cross", {GN_ESTABLISHED, GN_ESTABLISHED}, 100, {0}, 0,
     {{0, A, DO_CONNECT, 0}, {0, B, DO_CONNECT, 0}}},
    {"simultaneous-close", "both ends close at once: the FINs cross", {GN_TIME_WAIT, GN_TIME_WAIT}, 300, {0}, 0,
     {OPENED, {100, A, DO_CLOSE, 0}, {100, B, DO_CLOSE, 0}}},
    {"abort", "A aborts, B is told by a RST", {GN_CLOSED, GN_CLOSED}, 200, {0}, 0,
     {OPENED, {50, A, DO_SEND, 100}, {150, A, DO_ABORT, 0}}},
    {"reset", "B closes without having read everything: a RST, not a FIN", {GN_CLOSED, GN_CLOSED}, 300, {0}, 0,
     {OPENED, {40, B, DO_STOP_READ, 0}, {50, A, DO_SEND, 100}, {150, B, DO_LEAVE, 0}}},
    {"refused", "nobody listens", {GN_CLOSED, GN_CLOSED}, 100, {0}, 0,
     {{0, A, DO_CONNECT, 0}}},
    {"half-open", "B crashes and forgets; A finds out when it sends", {GN_CLOSED, GN_CLOSED}, 400, {0}, 0,
     {OPENED, {100, B, DO_CRASH, 0}, {200, A, DO_SEND, 100}}},
    {"migrate", "B's connection moves to another host; A, which sends, sees a pause", {GN_ESTABLISHED, GN_ESTABLISHED}, 900,
     {0}, 0, {OPENED, {50, A, DO_SEND, 300}, {100, B, DO_FREEZE, 0}, {110, A, DO_SEND, 2000}, {300, B, DO_MOVE, 0},
      {500, B, DO_SEND, 1000}}},
    {"blind-reset", "a forged RST inside the window is challenged, not believed", {GN_ESTABLISHED, GN_ESTABLISHED}, 300,
     {0}, 0, {OPENED, {100, B, DO_BLIND_RST, 1000}}},

    {"bulk", "4 MiB each way, compared; the segments in the middle are not drawn", {GN_TIME_WAIT, GN_CLOSED}, 10000,
     {0}, 100, {OPENED, {50, A, DO_STREAM, 4096}, {50, B, DO_STREAM, 4096}, {8000, A, DO_CLOSE, 0},
      {8500, B, DO_CLOSE, 0}}},

    /* the eleven states, each held */
    {"closed", "held: no connection at all", {GN_CLOSED, GN_CLOSED}, 10, {0}, 0,
     {{0, A, DO_END, 0}}},
    {"listen", "held: B waits for somebody", {GN_CLOSED, GN_LISTEN}, 1000, {0}, 0,
     {{0, B, DO_LISTEN, 0}}},
    {"syn-sent", "held: A's SYNs are lost, all of them", {GN_SYN_SENT, GN_LISTEN}, 4000, {0}, 0,
     {{0, A, DO_LOSE, LOSE(ANY, 0)}, OPENED}},
    {"syn-received", "held: B waits for the last ACK of the handshake", {GN_ESTABLISHED, GN_SYN_RECEIVED}, 800, {0}, 0,
     {{0, B, DO_CAPTURE, 0}, {0, A, DO_LOSE, LOSE(PURE_ACK, 0)}, OPENED}},
    {"established", "held: nothing to do", {GN_ESTABLISHED, GN_ESTABLISHED}, 5000, {0}, 0,
     {OPENED}},
    {"fin-wait-1", "held: A's FIN does not get through", {GN_FIN_WAIT_1, GN_ESTABLISHED}, 1500, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(FIN, 0)}, {100, A, DO_CLOSE, 0}}},
    {"fin-wait-2", "held: A's FIN is acknowledged, B does not close", {GN_FIN_WAIT_2, GN_CLOSE_WAIT}, 5000, {0}, 0,
     {OPENED, {100, A, DO_LEAVE, 0}}},
    {"close-wait", "held: B has been told the end and does not close: the classic leak", {GN_FIN_WAIT_2, GN_CLOSE_WAIT},
     45000, {0}, 0, {OPENED, {50, A, DO_SEND, 100}, {100, A, DO_CLOSE, 0}}},
    {"closing", "held: FINs crossed, their ACKs are lost", {GN_CLOSING, GN_CLOSING}, 130, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(PURE_ACK, 0)}, {50, B, DO_LOSE, LOSE(PURE_ACK, 0)}, {100, A, DO_CLOSE, 0},
      {100, B, DO_CLOSE, 0}}},
    {"last-ack", "held: B waits for the ACK of its FIN", {GN_TIME_WAIT, GN_LAST_ACK}, 900, {0}, 0,
     {OPENED, {100, A, DO_CLOSE, 0}, {150, A, DO_LOSE, LOSE(PURE_ACK, 0)}, {150, B, DO_CLOSE, 0}}},
    {"time-wait", "held: A closed first and waits 2MSL", {GN_TIME_WAIT, GN_CLOSED}, 5000, {0}, 0,
     {OPENED, {100, A, DO_CLOSE, 0}, {150, B, DO_CLOSE, 0}}},

    /* losses */
    {"lost-syn", "the SYN is lost and sent again", {GN_ESTABLISHED, GN_ESTABLISHED}, 1500, {0}, 0,
     {{0, A, DO_LOSE, LOSE(SYN, 1)}, OPENED}},
    {"lost-syn-ack", "the SYN,ACK is lost", {GN_ESTABLISHED, GN_ESTABLISHED}, 2500, {0}, 0,
     {{0, B, DO_LOSE, LOSE(SYN_ACK, 1)}, OPENED}},
    {"lost-ack", "the ACK that completes the handshake is lost", {GN_ESTABLISHED, GN_ESTABLISHED}, 2500, {0}, 0,
     {{0, A, DO_LOSE, LOSE(PURE_ACK, 1)}, OPENED}},
    {"lost-data", "a segment is lost and sent again", {GN_ESTABLISHED, GN_ESTABLISHED}, 1500, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(DATA, 1)}, {50, A, DO_SEND, 500}}},
    {"fast-retransmit", "one of many is lost; the ACKs tell", {GN_ESTABLISHED, GN_ESTABLISHED}, 600, {0}, 12,
     {OPENED, {50, A, DO_LOSE, LOSE(DATA, 1)}, {50, A, DO_SEND, 8760}}},
    {"lost-fin", "a FIN is lost and sent again", {GN_TIME_WAIT, GN_CLOSED}, 2000, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(FIN, 1)}, {100, A, DO_CLOSE, 0}, {600, B, DO_CLOSE, 0}}},
    {"lost-last-ack", "why TIME-WAIT waits: the last ACK is lost and asked for again", {GN_TIME_WAIT, GN_CLOSED}, 3000,
     {0}, 0, {OPENED, {100, A, DO_CLOSE, 0}, {150, A, DO_LOSE, LOSE(PURE_ACK, 1)}, {150, B, DO_CLOSE, 0}}},

    /* giving up */
    {"connect-timeout", "no answer at all: the OPEN fails after four SYNs", {GN_CLOSED, GN_CLOSED}, 40000,
     {"tcp_syn_retries=3"}, 0, {{0, A, DO_LOSE, LOSE(ANY, 0)}, {0, A, DO_CONNECT, 0}}},
    {"retransmit-timeout", "the path dies: back-off, then the end (R2)", {GN_CLOSED, GN_ESTABLISHED}, 60000,
     {"tcp_retries2=5"}, 0, {OPENED, {50, A, DO_LOSE, LOSE(ANY, 0)}, {100, A, DO_SEND, 500}}},
    {"user-timeout", "the path dies: given up after 5 s", {GN_CLOSED, GN_ESTABLISHED}, 30000,
     {"tcp_user_timeout=5s"}, 0, {OPENED, {50, A, DO_LOSE, LOSE(ANY, 0)}, {100, A, DO_SEND, 500}}},
    {"fin-wait-2-timeout", "B never closes; A's abandoned end goes after tcp_fin_timeout", {GN_CLOSED, GN_CLOSE_WAIT},
     70000, {0}, 0, {OPENED, {100, A, DO_LEAVE, 0}}},

    /* idle and full */
    {"keep-alive", "an idle connection is asked whether it lives", {GN_ESTABLISHED, GN_ESTABLISHED}, 25000,
     {"tcp_keepalive_time=10s"}, 0, {OPENED, {50, A, DO_KEEPALIVE, 0}}},
    {"keep-alive-dead", "the peer has gone: nobody answers", {GN_CLOSED, GN_ESTABLISHED}, 40000,
     {"tcp_keepalive_time=10s", "tcp_keepalive_intvl=5s", "tcp_keepalive_probes=3"}, 0,
     {OPENED, {50, A, DO_KEEPALIVE, 0}, {100, B, DO_LOSE, LOSE(ANY, 0)}}},
    {"zero-window", "B does not read: the window closes, is probed, opens again", {GN_ESTABLISHED, GN_ESTABLISHED}, 4000,
     {"tcp_rmem_default=4096", "tcp_rmem_max=4096"}, 0,
     {OPENED, {40, B, DO_STOP_READ, 0}, {50, A, DO_SEND, 6000}, {2000, B, DO_READ, 0}}},
    {"nagle", "small writes are gathered while an ACK is awaited", {GN_ESTABLISHED, GN_ESTABLISHED}, 400, {0}, 0,
     {OPENED, {50, A, DO_SEND, 10}, {52, A, DO_SEND, 10}, {54, A, DO_SEND, 10}, {56, A, DO_SEND, 10}}},
    {"syn-flood", "a flood of SYNs from invented addresses, and one honest client", {GN_ESTABLISHED, GN_ESTABLISHED}, 4000,
     {"tcp_max_syn_backlog=256"}, 0,
     {{0, B, DO_CAPTURE, 0}, {0, B, DO_LISTEN, 0}, {10, B, DO_FLOOD, 10000}, {100, A, DO_CONNECT, 0}, {200, A, DO_SEND, 100}}},
    {"port-scan", "a stranger tries 200 ports of B, one after the other", {GN_CLOSED, GN_LISTEN}, 2000, {0}, 0,
     {{0, B, DO_CAPTURE, 0}, {0, B, DO_LISTEN, 0}, {100, B, DO_SCAN, 200}}},

    /* pathologies: what `gannet why` explains */
    {"half-close-forever", "A has closed and still waits for B to close, minutes later", {GN_FIN_WAIT_2, GN_CLOSE_WAIT},
     120000, {0}, 0, {OPENED, {100, A, DO_CLOSE, 0}}},
    {"fin-wait-2-orphans", "A's program has closed many connections and gone; B closes none", {GN_FIN_WAIT_2, GN_CLOSE_WAIT},
     20000, {"tcp_max_orphans=32"}, 0, {OPENED, {100, A, DO_CROWD, 12}, {500, A, DO_CROWD_CLOSE, 0}, {500, A, DO_CLOSE, 0}}},
    {"fin-wait-1-stuck", "A has closed, and the path dies", {GN_FIN_WAIT_1, GN_ESTABLISHED}, 5000, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(ANY, 0)}, {100, A, DO_CLOSE, 0}}},
    {"closing-stuck", "FINs crossed, and the path dies", {GN_CLOSING, GN_CLOSING}, 5000, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(PURE_ACK, 0)}, {50, B, DO_LOSE, LOSE(PURE_ACK, 0)}, {100, A, DO_CLOSE, 0},
      {100, B, DO_CLOSE, 0}, {150, A, DO_LOSE, LOSE(ANY, 0)}, {150, B, DO_LOSE, LOSE(ANY, 0)}}},
    {"last-ack-stuck", "B waits long for the ACK of its FIN: the path dies", {GN_FIN_WAIT_2, GN_LAST_ACK}, 5000, {0}, 0,
     {{0, B, DO_CAPTURE, 0}, OPENED, {100, A, DO_CLOSE, 0}, {150, B, DO_LOSE, LOSE(ANY, 0)}, {160, B, DO_CLOSE, 0}}},
    {"time-wait-pile-up", "A opens and closes so often that TIME-WAIT holds its ports", {GN_CLOSED, GN_LISTEN}, 3000,
     {"ip_local_port_min=50000", "ip_local_port_max=50009"}, 0,
     {{0, B, DO_LISTEN, 0}, {100, A, DO_CROWD, 9}, {500, A, DO_CROWD_CLOSE, 0}, {600, B, DO_CROWD_CLOSE, 0}}},
    {"time-wait-buckets", "more connections in TIME-WAIT than are allowed", {GN_CLOSED, GN_LISTEN}, 3000,
     {"tcp_max_tw_buckets=8"}, 0,
     {{0, B, DO_LISTEN, 0}, {100, A, DO_CROWD, 20}, {500, A, DO_CROWD_CLOSE, 0}, {600, B, DO_CROWD_CLOSE, 0}}},
    {"orphans", "A's program is gone, its connections linger: near the limit", {GN_CLOSED, GN_LISTEN}, 3000,
     {"tcp_max_orphans=16"}, 0,
     {{0, B, DO_LISTEN, 0}, {100, A, DO_CROWD, 12}, {400, A, DO_LOSE, LOSE(ANY, 0)}, {500, A, DO_CROWD_CLOSE, 0}}},
    {"refused-often", "nobody listens, and A tries again and again", {GN_CLOSED, GN_CLOSED}, 3000, {0}, 0,
     {{0, A, DO_CROWD, 10}, {1000, A, DO_CROWD, 10}, {2000, A, DO_CROWD, 10}}},
    {"filtered", "the host answers, but a firewall drops new SYNs", {GN_ESTABLISHED, GN_ESTABLISHED}, 5000, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(SYN, 0)}, {100, A, DO_CROWD, 2}, {4500, A, DO_SEND, 100}}},
    {"ports-exhausted", "every local port towards B is in use", {GN_CLOSED, GN_LISTEN}, 2000,
     {"ip_local_port_min=50000", "ip_local_port_max=50009"}, 0,
     {{0, B, DO_LISTEN, 0}, {100, A, DO_CROWD, 12}}},
    {"lost-handshakes", "the last ACK of handshakes does not get through", {GN_ESTABLISHED, GN_SYN_RECEIVED}, 9000, {0}, 0,
     {{0, A, DO_LOSE, LOSE(PURE_ACK, 0)}, OPENED, {100, A, DO_CROWD, 20}}},
    {"accept-queue", "B's program accepts nothing: the queue fills", {GN_ESTABLISHED, GN_ESTABLISHED}, 3000, {0}, 0,
     {{0, B, DO_HANG, 0}, OPENED, {100, A, DO_CROWD, 30}}},
    {"short-backlog", "a burst overflows a short queue; then all is well", {GN_ESTABLISHED, GN_ESTABLISHED}, 20000, {0}, 0,
     {{0, B, DO_HANG, 0}, OPENED, {100, A, DO_CROWD, 30}, {500, B, DO_ACCEPT, 0}}},
    {"wrong-address", "B listens, but on another address than A tries", {GN_CLOSED, GN_LISTEN}, 3000, {0}, 0,
     {{0, B, DO_LISTEN_AT, 77}, {100, A, DO_CROWD, 4}}},
    {"peer-gone", "B is gone without a word; A sends in vain", {GN_ESTABLISHED, GN_ESTABLISHED}, 20000, {0}, 0,
     {OPENED, {50, B, DO_LOSE, LOSE(ANY, 0)}, {100, A, DO_SEND, 500}}},
    {"idle", "silent for hours, and nothing would notice B's end", {GN_ESTABLISHED, GN_ESTABLISHED}, 7200000, {0}, 0,
     {OPENED, {50, A, DO_SEND, 100}}},
    {"idle-crowd", "many connections silent for hours", {GN_ESTABLISHED, GN_ESTABLISHED}, 7200000, {0}, 0,
     {OPENED, {100, A, DO_CROWD, 60}}},
    {"keep-alive-late", "keep-alive that asks after two hours", {GN_ESTABLISHED, GN_ESTABLISHED}, 600000, {0}, 0,
     {OPENED, {50, A, DO_KEEPALIVE, 0}}},
    {"keep-alive-useless", "keep-alive is on, but data is waiting: no probe is sent", {GN_ESTABLISHED, GN_ESTABLISHED},
     30000, {"tcp_keepalive_time=5s", "tcp_keepalive_intvl=2s", "tcp_keepalive_probes=2"}, 0,
     {OPENED, {50, A, DO_KEEPALIVE, 0}, {12000, B, DO_LOSE, LOSE(ANY, 0)}, {12100, A, DO_SEND, 500}}},
    {"not-reading", "B's program reads no more: its buffer fills, the window shuts", {GN_ESTABLISHED, GN_ESTABLISHED},
     20000, {"tcp_rmem_default=4096", "tcp_rmem_max=4096"}, 0,
     {OPENED, {40, B, DO_STOP_READ, 0}, {50, A, DO_SEND, 6000}}},
    {"limit-cwnd", "slow start: A has more to send than the congestion window allows", {GN_ESTABLISHED, GN_ESTABLISHED},
     65, {0}, 0, {OPENED, {50, A, DO_SEND, 60000}}},
    {"limit-window", "a small window without scaling decides the speed", {GN_ESTABLISHED, GN_ESTABLISHED}, 185,
     {"tcp_rmem_default=8192", "tcp_rmem_max=8192", "tcp_window_scaling=0"}, 0, {OPENED, {50, A, DO_SEND, 60000}}},
    {"limit-buffer", "a send buffer far smaller than the path could take", {GN_ESTABLISHED, GN_ESTABLISHED}, 65,
     {"tcp_wmem_default=4608", "tcp_wmem_max=4608"}, 0, {OPENED, {50, A, DO_SEND, 4600}}},
    {"storm", "a path that loses every eighth segment", {GN_ESTABLISHED, GN_ESTABLISHED}, 8000, {0}, 20,
     {OPENED, {50, A, DO_LOSE, LOSE(DATA, DEMO_EVERY | 8)}, {50, A, DO_POUR, 0}}},
    {"black-hole", "large segments vanish without a word, small ones pass", {GN_ESTABLISHED, GN_ESTABLISHED}, 6000, {0}, 0,
     {OPENED, {50, A, DO_LOSE, LOSE(LARGE, 0)}, {100, A, DO_SEND, 5000}, {500, B, DO_SEND, 10}, {1500, B, DO_SEND, 10},
      {3000, B, DO_SEND, 10}, {5900, B, DO_SEND, 10}}},
    {"small-segments", "B announces a tiny MSS", {GN_ESTABLISHED, GN_ESTABLISHED}, 2000, {0}, 0,
     {{0, B, DO_LISTEN, 0}, {0, B, DO_MAXSEG, 400}, {0, A, DO_CONNECT, 0}, {50, A, DO_SEND, 20000}}},
    {"nagle-held", "a small write waits for the ACK of the one before", {GN_ESTABLISHED, GN_ESTABLISHED}, 60, {0}, 0,
     {OPENED, {50, A, DO_SEND, 10}, {52, A, DO_SEND, 10}}},
    {"nagle-stalls", "message after message in two writes: each second one waits for a delayed ACK",
     {GN_ESTABLISHED, GN_ESTABLISHED}, 1000, {"tcp_quickacks=0"}, 0,
     {OPENED, {50, A, DO_SEND, 10}, {51, A, DO_SEND, 10}, {150, A, DO_SEND, 10}, {151, A, DO_SEND, 10},
      {250, A, DO_SEND, 10}, {251, A, DO_SEND, 10}, {350, A, DO_SEND, 10}, {351, A, DO_SEND, 10},
      {450, A, DO_SEND, 10}, {451, A, DO_SEND, 10}, {550, A, DO_SEND, 10}, {551, A, DO_SEND, 10}}},
    {"resets", "connection after connection is reset by B", {GN_CLOSED, GN_LISTEN}, 3000, {0}, 0,
     {{0, B, DO_LISTEN, 0}, {100, A, DO_CROWD, 15}, {200, A, DO_CROWD, 15}, {300, A, DO_CROWD, 15}, {400, A, DO_CROWD, 15},
      {800, B, DO_CROWD_ABORT, 0}, {900, B, DO_ABORT, 0}}},
    {"memory", "B's memory is nearly used up by what nobody reads", {GN_ESTABLISHED, GN_ESTABLISHED}, 20000,
     {"tcp_mem=1048576", "tcp_rmem_default=500000", "tcp_wmem_default=131072"}, 0,
     {OPENED, {40, B, DO_STOP_READ, 0}, {40, A, DO_STOP_READ, 0}, {50, A, DO_POUR, 0}, {8000, A, DO_CROWD, 60}, {12000, B, DO_POUR, 0}}},
};
/* clang-format on */

const struct demo *demo_list(size_t *ret_n)
{
    *ret_n = sizeof demos / sizeof demos[0];
    return demos;
}

const struct demo *demo_find(const char *name)
{
    for (size_t i = 0; i < sizeof demos / sizeof demos[0]; i++)
        if (!strcasecmp(demos[i].name, name))
            return &demos[i];
    return NULL;
}
