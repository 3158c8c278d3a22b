/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/conf.h"

#include <criterion/criterion.h>
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

/* ranges with dashes, two at the most */
Test(conf, reserved_ports)
{
    static const char *const bad[] = {"0-5", "5-",  "70000", "1-70000", "9-8",    "1,2,3", "80,",
                                      ",80", "80 ", "1-2-3", "http",    "80,9-8", "00,1,"};

    cr_assert_eq(gn_conf_set(&conf, "ip_local_reserved_ports", "8080,9000-9010"), GN_OK);
    cr_assert_eq(gn_conf_check(&conf, NULL), GN_OK);
    for (unsigned p = 0; p < 65536; p++)
        cr_assert_eq(conf_port_reserved(&conf, (uint16_t)p), p == 8080 || (p >= 9000 && p <= 9010),
                     "%u", p);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(gn_conf_set(&conf, "ip_local_reserved_ports", bad[i]), GN_E_INVALID, "%s",
                     bad[i]);
    cr_assert(conf_port_reserved(&conf, 8080), "bad values leave it as it was");
    cr_assert_eq(gn_conf_set(&conf, "ip_local_reserved_ports", "65535,1-1"), GN_OK);
    cr_assert(conf_port_reserved(&conf, 65535) && conf_port_reserved(&conf, 1) &&
              !conf_port_reserved(&conf, 2));
    cr_assert_eq(gn_conf_set(&conf, "ip_local_reserved_ports", ""), GN_OK);
    cr_assert_not(conf_port_reserved(&conf, 1));
    cr_assert_not(conf_port_reserved(&conf, 65535));
    conf.ip_local_reserved_ports = 9 | 8 << 16;
    cr_assert_eq(gn_conf_check(&conf, NULL), GN_E_INVALID);
}

/* what Linux has as several numbers, or in another unit */
Test(conf, names_of_linux)
{
    static const char *const bad[][2] = {
        {"tcp_rmem", "4096 131072"},
        {"tcp_rmem", "4096 131072 6291456 1"},
        {"tcp_rmem", "4096 131072 4096"},
        {"tcp_wmem", "x 1 2"},
        {"ip_local_port_range", "60000 2"},
        {"ip_local_port_range", "1024"},
        {"tcp_rto_min_us", "0"},
        {"tcp_rto_max_ms", "18446744073709551615"},
        {"ip_local_port_range", ""},
    };
    struct gn_conf before;

    cr_expect_eq(gn_conf_set(&conf, "tcp_rmem", "8192 100000\t4000000"), GN_OK);
    cr_expect(conf.tcp_rmem_min == 8192 && conf.tcp_rmem_default == 100000 &&
              conf.tcp_rmem_max == 4000000);
    cr_expect_eq(gn_conf_set(&conf, "tcp_wmem", "4096 20000 3000000"), GN_OK);
    cr_expect(conf.tcp_wmem_default == 20000 && conf.tcp_wmem_max == 3000000);
    cr_expect_eq(gn_conf_set(&conf, "ip_local_port_range", "1024 2000"), GN_OK);
    cr_expect(conf.ip_local_port_min == 1024 && conf.ip_local_port_max == 2000);
    cr_expect_eq(gn_conf_set(&conf, "tcp_rto_min_us", "5000"), GN_OK);
    cr_expect_eq(conf.tcp_rto_min, 5 * GN_MSEC);
    cr_expect_eq(gn_conf_set(&conf, "tcp_rto_max_ms", "60000"), GN_OK);
    cr_expect_eq(conf.tcp_rto_max, 60 * GN_SEC);
    before = conf;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(gn_conf_set(&conf, bad[i][0], bad[i][1]), GN_E_INVALID, "%s=%s", bad[i][0],
                     bad[i][1]);
    cr_expect_eq(memcmp(&conf, &before, sizeof(conf)), 0);
}
