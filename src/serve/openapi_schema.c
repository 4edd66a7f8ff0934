#include "serve/openapi_schema.h"

/* The JSON Schema of one property; written as it is. */
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define REF_OR_NULL(name) "{\"anyOf\":[" REF(name) ",{\"type\":\"null\"}]}"
#define TEXT "{\"type\":\"string\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define INTEGER "{\"type\":\"integer\"}"
#define INTEGER_OR_NULL "{\"type\":[\"integer\",\"null\"]}"
#define BOOL "{\"type\":\"boolean\"}"
#define OBJECT "{\"type\":\"object\"}"
#define OBJECT_OR_NULL "{\"type\":[\"object\",\"null\"]}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define MINOR "{\"type\":\"integer\",\"description\":\"Minor units of the currency.\"}"
#define CONST(word) "{\"const\":\"" word "\"}"
#define TEXTS "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define ARRAY_OF(name) "{\"type\":\"array\",\"items\":" REF(name) "}"

typedef struct {
    const char *name;
    const char *schema;
    bool optional; /* not in every object */
} property;

typedef struct {
    const char *name;
    const char *description;
    const property *properties; /* ended by a NULL name */
} schema;

#define PROPERTIES(name, ...)                                                                      \
    static const property name##_properties[] = {__VA_ARGS__, {NULL, NULL, false}}

/* clang-format off */
PROPERTIES(payment,
    {"id", TEXT, false}, {"object", CONST("payment"), false}, {"status", TEXT, false},
    {"amount", MINOR, false}, {"currency", REF("currency"), false}, {"merchant", TEXT, false},
    {"payer", TEXT, false}, {"instrument", OBJECT, false}, {"capture_method", TEXT, false},
    {"reference", TEXT_OR_NULL, false}, {"description", TEXT_OR_NULL, false},
    {"metadata", OBJECT_OR_NULL, false}, {"authorised", MINOR, false},
    {"capturable", MINOR, false}, {"captured", MINOR, false}, {"refunded", MINOR, false},
    {"refund_pending", MINOR, false}, {"refundable", MINOR, false}, {"disputed", MINOR, false},
    {"charged_back", MINOR, false}, {"settled", MINOR, false}, {"fee", MINOR, false},
    {"decline", OBJECT_OR_NULL, false}, {"decision", OBJECT_OR_NULL, false},
    {"rail", OBJECT_OR_NULL, false}, {"expires_at", TIME_OR_NULL, false}, {"created", TIME, false},
    {"updated", TIME, false}, {"version", INTEGER, false}, {"sequence", INTEGER, false},
    {"livemode", BOOL, false});
PROPERTIES(refund,
    {"id", TEXT, false}, {"object", CONST("refund"), false}, {"payment", TEXT, false},
    {"amount", MINOR, false}, {"currency", REF("currency"), false}, {"status", TEXT, false},
    {"reason", TEXT_OR_NULL, false}, {"reference", TEXT_OR_NULL, false}, {"created", TIME, false},
    {"updated", TIME, false}, {"version", INTEGER, false}, {"sequence", INTEGER, false});
PROPERTIES(dispute,
    {"id", TEXT, false}, {"object", CONST("dispute"), false}, {"payment", TEXT, false},
    {"amount", MINOR, false}, {"currency", REF("currency"), false}, {"status", TEXT, false},
    {"reason", TEXT_OR_NULL, false}, {"respond_by", TIME_OR_NULL, false},
    {"created", TIME, false}, {"updated", TIME, false}, {"version", INTEGER, false},
    {"sequence", INTEGER, false});
PROPERTIES(transfer,
    {"id", TEXT, false}, {"object", CONST("transfer"), false}, {"debit", TEXT, false},
    {"credit", TEXT, false}, {"amount", MINOR, false}, {"currency", REF("currency"), false},
    {"status", TEXT, false}, {"posted", MINOR, false}, {"timeout_at", TIME_OR_NULL, false},
    {"reverses", TEXT_OR_NULL, false}, {"reverted_by", TEXT_OR_NULL, false},
    {"reference", TEXT_OR_NULL, false}, {"created", TIME, false}, {"updated", TIME, false},
    {"sequence", INTEGER, false});
PROPERTIES(account,
    {"name", TEXT, false}, {"currency", REF("currency"), false}, {"type", TEXT, false},
    {"debits_pending", MINOR, false}, {"debits_posted", MINOR, false},
    {"credits_pending", MINOR, false}, {"credits_posted", MINOR, false},
    {"balance", MINOR, false}, {"available", MINOR, false}, {"flags", TEXTS, false},
    {"version", INTEGER, false});
PROPERTIES(posting,
    {"sequence", INTEGER, false}, {"transfer", TEXT_OR_NULL, false}, {"debit", TEXT, false},
    {"credit", TEXT, false}, {"amount", MINOR, false}, {"currency", REF("currency"), false},
    {"kind", TEXT, false}, {"created", TIME, false});
PROPERTIES(entry,
    {"sequence", INTEGER, false}, {"transfer", TEXT_OR_NULL, false}, {"debit", TEXT, false},
    {"credit", TEXT, false}, {"amount", MINOR, false}, {"currency", REF("currency"), false},
    {"kind", TEXT, false}, {"created", TIME, false}, {"balance", MINOR, false});
PROPERTIES(trade_record,
    {"id", TEXT, false}, {"object", CONST("trade_record"), false}, {"kind", TEXT, false},
    {"status", TEXT, false}, {"payment", TEXT_OR_NULL, false}, {"amount", MINOR, false},
    {"currency", REF("currency"), false}, {"reverses", TEXT_OR_NULL, false},
    {"reason", TEXT_OR_NULL, false}, {"created", TIME, false}, {"sequence", INTEGER, false});
PROPERTIES(settlement,
    {"id", TEXT, false}, {"object", CONST("settlement"), false}, {"merchant", TEXT, false},
    {"currency", REF("currency"), false}, {"status", TEXT, false}, {"gross", MINOR, false},
    {"fees", MINOR, false}, {"refunds", MINOR, false}, {"disputes", MINOR, false},
    {"net", MINOR, false}, {"items", INTEGER, false}, {"created", TIME, false},
    {"updated", TIME, false}, {"sequence", INTEGER, false});
PROPERTIES(event,
    {"id", TEXT, false}, {"object", CONST("event"), false}, {"type", TEXT, false},
    {"sequence", INTEGER, false}, {"created", TIME, false},
    {"data", "{\"type\":\"object\",\"required\":[\"object\"],\"properties\":"
             "{\"object\":{\"type\":\"object\"}}}", false});
PROPERTIES(risk_event,
    {"id", TEXT, false}, {"object", CONST("risk_event"), false}, {"type", TEXT, true},
    {"kind", TEXT_OR_NULL, true}, {"severity", TEXT, true}, {"payment", TEXT_OR_NULL, true},
    {"entity", TEXT_OR_NULL, true}, {"data", "true", true}, {"created", TIME, false},
    {"sequence", INTEGER, false});
PROPERTIES(key,
    {"id", TEXT, false}, {"object", CONST("key"), false}, {"name", TEXT_OR_NULL, false},
    {"scopes", TEXTS, false}, {"mode", TEXT, false}, {"tenant", TEXT_OR_NULL, false},
    {"created", TIME, false}, {"expires_at", TIME_OR_NULL, false},
    {"secret", TEXT_OR_NULL, true});
#define LIST_OF_OBJECTS(required, properties)                                                      \
    "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[" required               \
    "],\"properties\":{" properties "}}}"
PROPERTIES(job,
    {"name", TEXT, false}, {"object", CONST("job"), false}, {"status", TEXT, false},
    {"error", TEXT_OR_NULL, false}, {"rows_in", INTEGER, false}, {"rows_out", INTEGER, false},
    {"rows_late", INTEGER, false}, {"rows_bad", INTEGER, false}, {"state_bytes", INTEGER, false},
    {"checkpoints", INTEGER, false}, {"watermark", TIME_OR_NULL, false},
    {"columns", LIST_OF_OBJECTS("\"name\",\"type\"", "\"name\":{\"type\":\"string\"},"
                                "\"type\":{\"type\":\"string\"}"), false},
    {"rows", LIST_OF_OBJECTS("\"op\",\"row\"", "\"op\":{\"type\":\"string\"},"
                             "\"row\":{\"type\":\"array\"}"), false});
PROPERTIES(trial_balance_row,
    {"currency", REF("currency"), false}, {"debits_posted", INTEGER, false},
    {"credits_posted", INTEGER, false}, {"debits_pending", INTEGER, false},
    {"credits_pending", INTEGER, false}, {"accounts", INTEGER, false},
    {"balanced", BOOL, false});
PROPERTIES(trial_balance, {"data", ARRAY_OF("trial_balance_row"), false});
PROPERTIES(verify,
    {"ok", BOOL, false},
    {"checks", "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"ok\"],"
               "\"properties\":{\"id\":{\"type\":\"string\"},\"ok\":{\"type\":\"boolean\"}}}}",
     false},
    {"violations", "{\"type\":\"array\"}", false});
PROPERTIES(error_body,
    {"type", TEXT, false}, {"code", TEXT, false}, {"message", TEXT, false},
    {"param", TEXT_OR_NULL, false}, {"request_id", TEXT_OR_NULL, false},
    {"decline_code", TEXT_OR_NULL, true}, {"advice", TEXT_OR_NULL, true},
    {"payment", REF_OR_NULL("payment"), true}, {"status", TEXT, true}, {"allowed", TEXTS, true},
    {"refundable", MINOR, true}, {"capturable", MINOR, true});
PROPERTIES(error, {"error", REF("error_body"), false});
/* clang-format on */

#define SCHEMA(name, text)                                                                         \
    {                                                                                              \
#name, text, name##_properties                                                             \
    }
static const schema schemas[] = {
    SCHEMA(payment, "A payment: one amount from a payer to a merchant, and what became of it."),
    SCHEMA(refund, "Money going back to the payer of a payment."),
    SCHEMA(dispute, "A payment that its payer contests at the issuer."),
    SCHEMA(transfer, "A movement between two accounts, posted or pending."),
    SCHEMA(account, "An account of the ledger. A name and a currency are one account."),
    SCHEMA(posting, "One debit and credit of a payment."),
    SCHEMA(entry, "One debit or credit of an account, with the balance after it."),
    SCHEMA(trade_record, "One movement of money with its outcome."),
    SCHEMA(settlement, "Captured money of a merchant, settled and paid out."),
    SCHEMA(event, "What happened to an object, with the object as it was right after."),
    SCHEMA(risk_event, "A risk event that was seen outside."),
    SCHEMA(key, "An API key. Its secret is shown once, when it is made."),
    SCHEMA(job, "A streaming job of the service, with its newest rows."),
    SCHEMA(trial_balance_row, "The sums of one currency over all accounts."),
    SCHEMA(trial_balance, "The sums of the books by currency."),
    SCHEMA(verify, "The invariants of the books and whether they hold."),
    SCHEMA(error_body, "Why a request was refused."),
    SCHEMA(error, "A refusal."),
};

static void schema_write(ps_json_writer *writer, const schema *row)
{
    ps_json_key(writer, row->name);
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "type", "object");
    ps_json_member_text(writer, "description", row->description);
    ps_json_key(writer, "required");
    ps_json_array_begin(writer);
    for (const property *p = row->properties; p->name != NULL; p++) {
        if (!p->optional) {
            ps_json_text(writer, p->name);
        }
    }
    ps_json_array_end(writer);
    ps_json_key(writer, "properties");
    ps_json_object_begin(writer);
    for (const property *p = row->properties; p->name != NULL; p++) {
        ps_json_key(writer, p->name);
        ps_json_raw(writer, ps_slice_text(p->schema));
    }
    ps_json_object_end(writer);
    ps_json_object_end(writer);
}

static void currency_write(ps_json_writer *writer)
{
    ps_json_key(writer, "currency");
    ps_json_object_begin(writer);
    ps_json_member_text(writer, "type", "string");
    ps_json_member_text(writer, "description", "ISO 4217 code.");
    ps_json_key(writer, "enum");
    ps_json_array_begin(writer);
    for (size_t i = 0; i < ps_currency_count(); i++) {
        ps_json_text(writer, ps_currency_code((ps_currency)i));
    }
    ps_json_array_end(writer);
    ps_json_object_end(writer);
}

void ps_openapi_schemas(ps_json_writer *writer)
{
    currency_write(writer);
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        schema_write(writer, &schemas[i]);
    }
}
