/* Slots: one place for each kind of value that a request can carry, shared by all routes. A field
 * of the route table names its slot, decode fills slots, and what makes commands and queries reads
 * them by name. At most 64, for one bit each. */
#ifndef PS_SERVE_ROUTE_SLOT_H
#define PS_SERVE_ROUTE_SLOT_H

typedef enum {
    PS_SLOT_NONE,
    /* bodies */
    PS_SLOT_AMOUNT,
    PS_SLOT_CURRENCY,
    PS_SLOT_MERCHANT,
    PS_SLOT_PAYER,
    PS_SLOT_INSTRUMENT,
    PS_SLOT_INSTRUMENT_TYPE,
    PS_SLOT_TOKEN,
    PS_SLOT_BIN,
    PS_SLOT_LAST4,
    PS_SLOT_EXP,
    PS_SLOT_CARD_COUNTRY,
    PS_SLOT_ID,
    PS_SLOT_CAPTURE_METHOD,
    PS_SLOT_CONFIRM,
    PS_SLOT_REFERENCE,
    PS_SLOT_DESCRIPTION,
    PS_SLOT_METADATA,
    PS_SLOT_EXPIRES_IN,
    PS_SLOT_FEE,
    PS_SLOT_CONTEXT,
    PS_SLOT_IP,
    PS_SLOT_DEVICE,
    PS_SLOT_EMAIL,
    PS_SLOT_COUNTRY,
    PS_SLOT_CHANNEL,
    PS_SLOT_USER_AGENT,
    PS_SLOT_REASON,
    PS_SLOT_FINAL,
    PS_SLOT_OUTCOME,
    PS_SLOT_DECLINE_CODE,
    PS_SLOT_RAIL_REFERENCE,
    PS_SLOT_PAYMENT,
    PS_SLOT_NAME,
    PS_SLOT_TYPE,
    PS_SLOT_FLAGS,
    PS_SLOT_DEBIT,
    PS_SLOT_CREDIT,
    PS_SLOT_PENDING,
    PS_SLOT_TIMEOUT,
    PS_SLOT_KIND,
    PS_SLOT_SEVERITY,
    PS_SLOT_ENTITY,
    PS_SLOT_DATA,
    PS_SLOT_SCOPES,
    PS_SLOT_MODE,
    PS_SLOT_TENANT,
    /* query strings */
    PS_SLOT_LIMIT,
    PS_SLOT_CURSOR,
    PS_SLOT_AFTER,
    PS_SLOT_CREATED_GTE,
    PS_SLOT_CREATED_LT,
    PS_SLOT_AMOUNT_GTE,
    PS_SLOT_AMOUNT_LT,
    PS_SLOT_STATUS,
    PS_SLOT_AT,
    PS_SLOT_AT_SEQUENCE,
    PS_SLOT_COUNT
} ps_slot;
_Static_assert(PS_SLOT_COUNT <= 64, "one bit each");

#endif
