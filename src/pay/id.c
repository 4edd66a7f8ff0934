#include "pay/id.h"

typedef struct {
    const char *text;
    size_t size;
} ps_id_prefix;

static const ps_id_prefix prefixes[] = {
    [PS_ID_PAYMENT] = {"pay_", 4},   [PS_ID_REFUND] = {"re_", 3},
    [PS_ID_DISPUTE] = {"dp_", 3},    [PS_ID_TRADE] = {"trx_", 4},
    [PS_ID_TRANSFER] = {"tr_", 3},   [PS_ID_SETTLEMENT] = {"set_", 4},
    [PS_ID_EVENT] = {"evt_", 4},     [PS_ID_RISK_EVENT] = {"risk_", 5},
    [PS_ID_KEY] = {"key_", 4},       [PS_ID_REQUEST] = {"req_", 4},
    [PS_ID_SIMULATOR] = {"sim_", 4},
};

enum { PS_ID_ROUNDS = 4 };

/* The finaliser of MurmurHash3 as a round function: any 32 → 32 bits that mixes well does. */
static uint32_t round_of(uint64_t key, uint32_t half)
{
    uint64_t x = key ^ ((uint64_t)half * UINT64_C(0x9e3779b97f4a7c15));
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return (uint32_t)x;
}

static uint64_t round_key(ps_u128 instance, ps_id_kind kind, unsigned round)
{
    uint64_t tweak = ((uint64_t)kind << 8 | round) * UINT64_C(0xd6e8feb86659fd93);
    return ((round & 1) != 0 ? instance.high : instance.low) ^ tweak;
}

static uint64_t permute(ps_u128 instance, ps_id_kind kind, uint64_t number)
{
    uint32_t left = (uint32_t)(number >> 32);
    uint32_t right = (uint32_t)number;
    for (unsigned round = 0; round < PS_ID_ROUNDS; round++) {
        uint32_t next = left ^ round_of(round_key(instance, kind, round), right);
        left = right;
        right = next;
    }
    return (uint64_t)left << 32 | right;
}

static uint64_t unpermute(ps_u128 instance, ps_id_kind kind, uint64_t value)
{
    uint32_t left = (uint32_t)(value >> 32);
    uint32_t right = (uint32_t)value;
    for (unsigned round = PS_ID_ROUNDS; round-- > 0;) {
        uint32_t before = right ^ round_of(round_key(instance, kind, round), left);
        right = left;
        left = before;
    }
    return (uint64_t)left << 32 | right;
}

static const ps_id_prefix *prefix_of(ps_id_kind kind)
{
    PS_ASSERT(kind >= PS_ID_PAYMENT && kind <= PS_ID_SIMULATOR);
    return &prefixes[kind];
}

size_t ps_id_format(ps_u128 instance, ps_id_kind kind, uint64_t number, int64_t created_ns,
                    char out[PS_ID_TEXT_MAX])
{
    PS_ASSERT(kind != PS_ID_REQUEST);
    const ps_id_prefix *prefix = prefix_of(kind);
    memcpy(out, prefix->text, prefix->size);
    ps_u128 value = {(uint64_t)created_ns, permute(instance, kind, number)};
    ps_id128_format(value, out + prefix->size);
    return prefix->size + PS_ID128_CHARS;
}

bool ps_id_parse(ps_u128 instance, ps_id_kind kind, ps_slice text, uint64_t *out_number,
                 int64_t *out_created_ns)
{
    PS_ASSERT(kind != PS_ID_REQUEST);
    const ps_id_prefix *prefix = prefix_of(kind);
    ps_u128 value;
    if (text.size != prefix->size + PS_ID128_CHARS ||
        memcmp(text.data, prefix->text, prefix->size) != 0 ||
        !ps_id128_parse(ps_slice_of(text.data + prefix->size, PS_ID128_CHARS), &value)) {
        return false;
    }
    *out_number = unpermute(instance, kind, value.low);
    *out_created_ns = (int64_t)value.high;
    return true;
}

void ps_request_id_format(ps_u128 request_id, char out[30])
{
    const ps_id_prefix *prefix = prefix_of(PS_ID_REQUEST);
    memcpy(out, prefix->text, prefix->size);
    ps_id128_format(request_id, out + prefix->size);
}
