/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <gannet/types.h>

Test(names, states_as_the_rfc_and_as_ss_has_them)
{
    cr_assert_str_eq(gn_state_name(GN_SYN_RECEIVED), "SYN-RECEIVED");
    cr_assert_str_eq(gn_state_ss_name(GN_SYN_RECEIVED), "SYN-RECV");
    cr_assert_str_eq(gn_state_name(GN_ESTABLISHED), "ESTABLISHED");
    cr_assert_str_eq(gn_state_ss_name(GN_ESTABLISHED), "ESTAB");
    cr_assert_str_eq(gn_state_ss_name(GN_CLOSED), "UNCONN");
    for (unsigned s = 0; s < GN_STATE_COUNT; s++) {
        cr_assert_str_neq(gn_state_name((enum gn_state)s), "?");
        cr_assert_str_neq(gn_state_ss_name((enum gn_state)s), "?");
    }
}

Test(names, every_number_has_a_text)
{
    static const int errors[] = {
#define GN_ERR(name, value, posix, text) value,
#include <gannet/err.def>
#undef GN_ERR
    };

    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        cr_assert_str_neq(gn_err_text((enum gn_err)errors[i]), "?");
    for (unsigned d = 0; d < GN_DROP_COUNT; d++) {
        cr_assert_str_neq(gn_drop_name((enum gn_drop)d), "?");
        cr_assert_str_neq(gn_drop_text((enum gn_drop)d), "?");
    }
    for (unsigned c = 0; c < GN_CAUSE_COUNT; c++) {
        cr_assert_str_neq(gn_cause_name((enum gn_cause)c), "?");
        cr_assert_str_neq(gn_cause_text((enum gn_cause)c), "?");
        cr_assert_str_neq(gn_cause_rfc((enum gn_cause)c), "?");
    }
    cr_assert_str_eq(gn_err_text(GN_OK), "ok");
    cr_assert_str_eq(gn_err_text(GN_E_RESET), "connection reset by peer");
    cr_assert_str_eq(gn_drop_name(GN_DROP_OLD_SEQ), "OLD_SEQ");
    cr_assert_str_eq(gn_cause_name(GN_CAUSE_ACK_OF_FIN), "ACK_OF_FIN");
}

Test(names, nonsense_is_named_too)
{
    volatile int wild = 9999;

    cr_assert_str_eq(gn_state_name((enum gn_state)wild), "?");
    cr_assert_str_eq(gn_err_text((enum gn_err)wild), "?");
    cr_assert_str_eq(gn_err_text((enum gn_err) - wild), "?");
    cr_assert_str_eq(gn_drop_text((enum gn_drop)wild), "?");
    cr_assert_str_eq(gn_cause_rfc((enum gn_cause)wild), "?");
}
