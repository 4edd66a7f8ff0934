/* What effects have in common, held against their description in pay/effect_fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pay/effect_fields.h"
#include "serve/effect_member.h"

/* An effect of this type whose described members have values of their own: 1000 and their place. */
static const ps_effect_head *effect_of(ps_effect_type type, char bytes[1024])
{
    const ps_effect_description *it = ps_effect_describe(type);
    ps_effect_head *head = (void *)bytes;
    memset(bytes, 0, 1024);
    for (const ps_effect_field *f = it->fields; f->name != NULL; f++) {
        if (f->size == 4) {
            ps_put_u32(bytes + f->offset, 1000U + f->offset);
        } else if (f->size == 8) {
            ps_put_u64(bytes + f->offset, 1000U + f->offset);
        }
    }
    head->type = (uint8_t)type;
    head->size = it->size;
    head->event = PS_EVENT_PAYMENT_CREATED;
    return head;
}

/* What the described member of this name holds; 0: there is none. */
static uint64_t described(ps_effect_type type, const char *name)
{
    for (const ps_effect_field *f = ps_effect_describe(type)->fields; f->name != NULL; f++) {
        if (strcmp(f->name, name) == 0) {
            return 1000U + f->offset;
        }
    }
    return 0;
}

static void members_are_those_of_the_description(void **state)
{
    (void)state;
    static const struct {
        ps_effect_type type;
        bool is_eventful;
    } cases[] = {{PS_EFFECT_PAYMENT, true},    {PS_EFFECT_REFUND, true},
                 {PS_EFFECT_DISPUTE, true},    {PS_EFFECT_TRADE, true},
                 {PS_EFFECT_SETTLEMENT, true}, {PS_EFFECT_TRANSFER, true},
                 {PS_EFFECT_RISK_EVENT, true}, {PS_EFFECT_KEY, false}};
    _Alignas(8) char bytes[1024];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ps_effect_type type = cases[i].type;
        const ps_effect_head *effect = effect_of(type, bytes);
        assert_int_equal(ps_effect_number(effect), described(type, ps_effect_describe(type)->name));
        assert_int_equal(ps_effect_created_ns(effect), described(type, "created"));
        assert_int_equal(ps_effect_sequence(effect),
                         cases[i].is_eventful ? described(type, "sequence") : 0);
        assert_int_equal(ps_effect_event_book(effect),
                         cases[i].is_eventful ? described(type, "book") : 0);
        uint64_t payment = described(type, "payment");
        bool has_payment = payment != 0 && type != PS_EFFECT_SETTLEMENT;
        assert_int_equal(ps_effect_is_about(effect, (uint32_t)payment), has_payment);
        assert_false(ps_effect_is_about(effect, 7));
    }
}

static void what_is_no_event_has_no_sequence(void **state)
{
    (void)state;
    _Alignas(8) char bytes[1024];
    ps_effect_head *effect = (ps_effect_head *)(uintptr_t)effect_of(PS_EFFECT_PAYMENT, bytes);
    effect->event = PS_EVENT_NONE;
    assert_int_equal(ps_effect_sequence(effect), 0);
    assert_int_equal(ps_effect_event_book(effect), 0);
}

static void every_type_can_be_asked(void **state)
{
    (void)state;
    _Alignas(8) char bytes[1024] = {0};
    ps_effect_head *effect = (void *)bytes;
    effect->event = PS_EVENT_PAYMENT_CREATED;
    for (uint8_t type = 0; type < PS_EFFECT_COUNT + 3; type++) {
        effect->type = type;
        assert_int_equal(ps_effect_number(effect) + ps_effect_sequence(effect), 0);
        assert_int_equal(ps_effect_created_ns(effect), 0);
        assert_int_equal(ps_effect_event_book(effect), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_those_of_the_description),
        cmocka_unit_test(what_is_no_event_has_no_sequence),
        cmocka_unit_test(every_type_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
