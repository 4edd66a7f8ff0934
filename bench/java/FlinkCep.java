import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFilterFunction;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.PatternSelectFunction;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Flink CEP on payment events as JSON; prints one JSON line for each: matches, and CPU seconds of the job.
 * usage: FlinkCep declines|any LANES FILE_OR_FOLDER...
 */
public final class FlinkCep {
    private FlinkCep() {
    }

    /** Three or more declines, then an approval, within a minute, nothing in between: per card. */
    private static Pattern<Payment, ?> declines() {
        return Pattern.<Payment>begin("declined", AfterMatchSkipStrategy.skipPastLastEvent())
                .where(SimpleCondition.of(e -> e.getStatus().equals("declined"))).timesOrMore(3).consecutive().greedy()
                .next("approved").where(SimpleCondition.of(e -> e.getStatus().equals("approved"))).within(Duration.ofMinutes(1));
    }

    /** A payment, and any later one of fifty times its amount: per account, about twenty runs. */
    private static Pattern<Payment, ?> any() {
        return Pattern.<Payment>begin("small").followedByAny("large").where(new IterativeCondition<Payment>() {
            @Override
            public boolean filter(Payment event, Context<Payment> context) throws Exception {
                for (Payment small : context.getEventsForPattern("small")) {
                    return event.getAmount() > 50 * small.getAmount();
                }
                return false;
            }
        }).within(Duration.ofMinutes(10));
    }

    private static final class Counted extends RichFilterFunction<Long> {
        private final LongCounter count = new LongCounter();

        @Override
        public void open(OpenContext context) {
            getRuntimeContext().addAccumulator("matches", count);
        }

        @Override
        public boolean filter(Long value) {
            count.add(1);
            return false;
        }
    }

    public static void main(String[] args) throws Exception {
        OperatingSystemMXBean machine = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        for (int i = 2; i < args.length; i++) {
            long before = machine.getProcessCpuTime();
            long matches = run(args[0].equals("any"), Integer.parseInt(args[1]), args[i]);
            System.out.printf("{\"cpu_s\": %.3f, \"matches\": %d}%n", (machine.getProcessCpuTime() - before) / 1e9, matches);
        }
    }

    private static long run(boolean isAny, int lanes, String path) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(lanes, new Configuration());
        env.getConfig().enableObjectReuse();
        env.getConfig().setAutoWatermarkInterval(50);
        FileSource<String> source = FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(path)).build();
        DataStream<Payment> events = env.fromSource(source, WatermarkStrategy.noWatermarks(), "events").map(Payment::parse).returns(Payment.class)
                .assignTimestampsAndWatermarks(WatermarkStrategy.<Payment>forBoundedOutOfOrderness(Duration.ofSeconds(4))
                        .withTimestampAssigner((event, before) -> event.getTs()));
        KeySelector<Payment, String> key = isAny ? Payment::getAccount : Payment::getCard;
        CEP.pattern(events.keyBy(key), isAny ? any() : declines()).select(new PatternSelectFunction<Payment, Long>() {
            @Override
            public Long select(Map<String, List<Payment>> match) {
                return (long) match.size();
            }
        }).filter(new Counted()).sinkTo(new DiscardingSink<>());
        return env.execute().<Long>getAccumulatorResult("matches");
    }
}
