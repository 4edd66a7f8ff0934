/* Hand-made damage, and situations that the simulated engine does not get into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "damage.h"
#include "rare.h"

static void must_hold(const char *why)
{
    if (why != NULL) {
        fail_msg("%s", why);
    }
}

static void a_journal_is_refused_or_right_whatever_its_files_say(void **state)
{
    (void)state;
    must_hold(damage_journal());
}

static void a_snapshot_is_refused_or_right_whatever_it_says(void **state)
{
    (void)state;
    must_hold(damage_snapshot());
}

static void rare_situations_end_as_they_should(void **state)
{
    (void)state;
    must_hold(rare_situations());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_is_refused_or_right_whatever_its_files_say),
        cmocka_unit_test(a_snapshot_is_refused_or_right_whatever_it_says),
        cmocka_unit_test(rare_situations_end_as_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
