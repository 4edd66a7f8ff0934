import com.espertech.esper.common.client.EPCompiled;
import com.espertech.esper.common.client.configuration.Configuration;
import com.espertech.esper.compiler.client.CompilerArguments;
import com.espertech.esper.compiler.client.EPCompilerProvider;
import com.espertech.esper.runtime.client.EPEventService;
import com.espertech.esper.runtime.client.EPRuntime;
import com.espertech.esper.runtime.client.EPRuntimeProvider;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.FileReader;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * Three or more declines, then an approval, on one card within a minute, by Esper on payment events as JSON, parsed and put in order of time here.
 * Prints one JSON line for each file: matches, and CPU seconds of it all.
 * usage: Esper FILE...
 */
public final class Esper {
    private static final String EPL = "select D[0].id as first_id, A.amount as amount from Payment match_recognize ("
            + " partition by card measures D as D, A as A after match skip past last row pattern (D{3,} A)"
            + " define D as D.status = 'declined', A as A.status = 'approved' and A.ts - D[0].ts < 60000)";
    private static final int DELAY_MS = 4000;
    private static final int BUCKETS = 8192;

    private Esper() {
    }

    private static EPRuntime runtime(String name, long[] matches) throws Exception {
        Configuration configuration = new Configuration();
        configuration.getCommon().addEventType(Payment.class);
        configuration.getRuntime().getThreading().setInternalTimerEnabled(false);
        EPCompiled compiled = EPCompilerProvider.getCompiler().compile(EPL, new CompilerArguments(configuration));
        EPRuntime made = EPRuntimeProvider.getRuntime(name, configuration);
        made.getDeploymentService().deploy(compiled).getStatements()[0]
                .addListener((fresh, old, statement, runtime) -> matches[0] += fresh.length);
        return made;
    }

    public static void main(String[] args) throws Exception {
        OperatingSystemMXBean machine = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        for (String path : args) {
            long[] matches = new long[1];
            EPRuntime runtime = runtime(path, matches);
            long before = machine.getProcessCpuTime();
            run(runtime.getEventService(), path);
            System.out.printf("{\"cpu_s\": %.3f, \"matches\": %d}%n", (machine.getProcessCpuTime() - before) / 1e9, matches[0]);
            runtime.destroy();
        }
    }

    private static void run(EPEventService service, String path) throws Exception {
        List<List<Payment>> buckets = new ArrayList<>();
        for (int i = 0; i < BUCKETS; i++) {
            buckets.add(new ArrayList<>());
        }
        long newest = Long.MIN_VALUE;
        long fired = Long.MIN_VALUE;
        try (BufferedReader reader = new BufferedReader(new FileReader(path), 1 << 20)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                Payment event = Payment.parse(line);
                if (fired == Long.MIN_VALUE) {
                    fired = event.getTs() - 2 * DELAY_MS;
                }
                if (event.getTs() > fired) {
                    buckets.get((int) (event.getTs() % BUCKETS)).add(event);
                }
                newest = Math.max(newest, event.getTs());
                fired = fire(service, buckets, fired, newest - DELAY_MS);
            }
        }
        fire(service, buckets, fired, newest);
    }

    /** Events up to that time go in, in order. */
    private static long fire(EPEventService service, List<List<Payment>> buckets, long fired, long until) {
        while (fired < until) {
            fired++;
            List<Payment> bucket = buckets.get((int) Math.floorMod(fired, (long) BUCKETS));
            for (Payment event : bucket) {
                service.sendEventBean(event, "Payment");
            }
            bucket.clear();
        }
        return fired;
    }
}
