/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <gannet/conf.h>
#include <string.h>

static struct gn_conf conf;

static void setup(void)
{
    memset(&conf, 0xff, sizeof(conf));
    gn_conf_default(&conf);
}

TestSuite(conf, .init = setup);

Test(conf, defaults_are_valid_and_complete)
{
    size_t n;
    const struct gn_knob *k = gn_knobs(&n);

    cr_assert_eq(n * sizeof(uint64_t), sizeof(conf));
    cr_assert_eq(gn_conf_check(&conf, NULL), GN_OK);
    cr_assert_eq(conf.tcp_synack_retries, 5);
    cr_assert_eq(conf.tcp_fin_timeout, 60 * GN_SEC);
    for (size_t i = 0; i < n; i++) {
        cr_assert(k[i].min <= k[i].def && k[i].def <= k[i].max, "%s", k[i].name);
        cr_assert_eq(k[i].offset, i * sizeof(uint64_t));
        if (k[i].unit == GN_UNIT_BOOL)
            cr_assert(k[i].min == 0 && k[i].max == 1, "%s", k[i].name);
    }
}

Test(conf, values_with_units)
{
    static const struct {
        const char *name, *text;
        uint64_t value;
    } good[] = {
        {"tcp_rto_min", "200ms", 200 * GN_MSEC},
        {"tcp_rto_min", "5000us", 5 * GN_MSEC},
        {"tcp_rto_min", "7000000ns", 7 * GN_MSEC},
        {"tcp_fin_timeout", "60s", 60 * GN_SEC},
        {"tcp_fin_timeout", "1m", 60 * GN_SEC},
        {"tcp_fin_timeout", "2min", 120 * GN_SEC},
        {"tcp_keepalive_time", "2h", 7200 * GN_SEC},
        {"tcp_delack", "0", 0},
        {"tcp_rmem_max", "64k", 65536},
        {"tcp_rmem_max", "1m", 1 << 20},
        {"tcp_mem", "2g", (uint64_t)2 << 30},
        {"tcp_mem", "1048576", 1048576},
        {"tcp_congestion_control", "newreno", 0},
        {"tcp_congestion_control", "reno", 0},
        {"tcp_congestion_control", "cubic", 1},
        {"tcp_congestion_control", "bbr", 2},
        {"tcp_congestion_control", "1", 1},
        {"tcp_sack", "off", 0},
        {"tcp_sack", "on", 1},
        {"tcp_sack", "0", 0},
        {"somaxconn", "128", 128},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t n;
        const struct gn_knob *k = gn_knobs(&n);
        uint64_t v;

        cr_assert_eq(gn_conf_set(&conf, good[i].name, good[i].text), GN_OK, "%s=%s", good[i].name,
                     good[i].text);
        while (strcmp(k->name, good[i].name))
            k++;
        memcpy(&v, (char *)&conf + k->offset, sizeof(v));
        cr_assert_eq(v, good[i].value, "%s=%s", good[i].name, good[i].text);
    }
}

Test(conf, bad_values_leave_all_untouched)
{
    static const char *const bad[][2] = {
        {"tcp_fin_timeout", "60"},
        {"tcp_fin_timeout", "-1s"},
        {"tcp_fin_timeout", "1d"},
        {"tcp_fin_timeout", ""},
        {"tcp_fin_timeout", "s"},
        {"tcp_fin_timeout", "3h"},
        {"tcp_fin_timeout", "1 s"},
        {"tcp_fin_timeout", "0"},
        {"tcp_sack", "2"},
        {"tcp_sack", "yes"},
        {"tcp_rmem_max", "1x"},
        {"tcp_rmem_max", "2g"},
        {"somaxconn", "0"},
        {"somaxconn", "1k"},
        {"tcp_congestion_control", "vegas"},
        {"tcp_congestion_control", "3"},
        {"tcp_mem", "99999999999999999999"},
        {"tcp_mem", "17179869184g"},
        {"tcp_mem", "0x100000"},
    };
    struct gn_conf before = conf;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(gn_conf_set(&conf, bad[i][0], bad[i][1]), GN_E_INVALID, "%s=%s", bad[i][0],
                     bad[i][1]);
    cr_assert_eq(gn_conf_set(&conf, "tcp_warp", "1"), GN_E_UNSUPPORTED);
    cr_assert_eq(gn_conf_set(&conf, "tcp_sac", "1"), GN_E_UNSUPPORTED);
    cr_assert_eq(gn_conf_set(&conf, "", "1"), GN_E_UNSUPPORTED);
    cr_assert_eq(memcmp(&conf, &before, sizeof(conf)), 0);
}

Test(conf, check_names_the_first_culprit)
{
    const char *name = NULL;

    conf.tcp_rto_min = 0;
    cr_assert_eq(gn_conf_check(&conf, &name), GN_E_INVALID);
    cr_assert_str_eq(name, "tcp_rto_min");
    gn_conf_default(&conf);
    conf.ip_local_port_min = 61000;
    cr_assert_eq(gn_conf_check(&conf, &name), GN_E_INVALID);
    cr_assert_str_eq(name, "ip_local_port_min");
    gn_conf_default(&conf);
    conf.tcp_rmem_default = conf.tcp_rmem_max + 1;
    cr_assert_eq(gn_conf_check(&conf, &name), GN_E_INVALID);
    cr_assert_str_eq(name, "tcp_rmem_default");
    gn_conf_default(&conf);
    conf.tcp_wmem_max = conf.tcp_wmem_default - 1;
    cr_assert_eq(gn_conf_check(&conf, NULL), GN_E_INVALID);
    gn_conf_default(&conf);
    conf.tcp_rto_min = 60 * GN_SEC;
    conf.tcp_rto_max = 30 * GN_SEC;
    cr_assert_eq(gn_conf_check(&conf, &name), GN_E_INVALID);
    cr_assert_str_eq(name, "tcp_rto_min");
}
