/** A payment event of bench/streams/make_events.c: the fields that the pattern yardsticks read. */
public final class Payment {
    private long id;
    private long ts;
    private String account;
    private String card;
    private long amount;
    private String status;

    public Payment() {
    }

    /** Keys in the order of events.sql, nothing escaped: what the writer of these files does. */
    public static Payment parse(String line) {
        Payment made = new Payment();
        int at = line.indexOf(':') + 1;
        made.id = Long.parseLong(line, at, line.indexOf(',', at), 10);
        at = line.indexOf("\"ts\":\"", at) + 6;
        made.ts = time(line, at);
        at = line.indexOf("\"account\":\"", at) + 11;
        made.account = line.substring(at, line.indexOf('"', at));
        at = line.indexOf("\"card\":\"", at) + 8;
        made.card = line.substring(at, line.indexOf('"', at));
        at = line.indexOf("\"amount\":", at) + 9;
        made.amount = Long.parseLong(line, at, line.indexOf(',', at), 10);
        at = line.indexOf("\"status\":\"", at) + 10;
        made.status = line.substring(at, line.indexOf('"', at));
        return made;
    }

    private static int digits(String line, int at, int count) {
        int value = 0;
        for (int i = at; i < at + count; i++) {
            value = value * 10 + line.charAt(i) - '0';
        }
        return value;
    }

    /** "2026-03-dd HH:mm:ss.SSS": milliseconds since the month began. */
    private static long time(String line, int at) {
        return digits(line, at + 8, 2) * 86_400_000L + digits(line, at + 11, 2) * 3_600_000L + digits(line, at + 14, 2) * 60_000L
                + digits(line, at + 17, 2) * 1000L + digits(line, at + 20, 3);
    }

    public long getId() {
        return id;
    }

    public void setId(long id) {
        this.id = id;
    }

    public long getTs() {
        return ts;
    }

    public void setTs(long ts) {
        this.ts = ts;
    }

    public String getAccount() {
        return account;
    }

    public void setAccount(String account) {
        this.account = account;
    }

    public String getCard() {
        return card;
    }

    public void setCard(String card) {
        this.card = card;
    }

    public long getAmount() {
        return amount;
    }

    public void setAmount(long amount) {
        this.amount = amount;
    }

    public String getStatus() {
        return status;
    }

    public void setStatus(String status) {
        this.status = status;
    }
}
