import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The market of apps/quotes/market.ts: prices are a pure function of a seed and the time, so that a quotes service in any
 * language goes on where another one was. Safe for use by several threads.
 */
final class Market {
    private static final int SEED = 1867;
    private static final long TICK_MS = 250;
    private static final long TICKS_PER_SESSION = 3_600_000 / TICK_MS;

    private final List<Stock> stocks = IntStream.range(0, 11)
            .mapToObj(i -> new Stock(Character.toString('A' + i).repeat(4), hash(SEED, i)))
            .toList();

    /** The quotes of a moment, as JSON. */
    synchronized String at(Instant now) {
        long tick = now.toEpochMilli() / TICK_MS;
        String quotes = stocks.stream().map(stock -> stock.at(tick)).collect(Collectors.joining(","));
        return "{\"asOf\":\"%s\",\"quotes\":[%s]}".formatted(instant(tick), quotes);
    }

    private static final class Stock {
        private final String symbol;
        private final int key;
        private long session = -1;
        private long ticks;
        private long traded;
        private double level;
        private double target;
        /** In cents. */
        private long price;
        private long open;
        private long low;
        private long high;
        private long close;

        Stock(String symbol, int key) {
            this.symbol = symbol;
            this.key = key;
        }

        String at(long tick) {
            long wanted = tick % TICKS_PER_SESSION;
            if (session != tick / TICKS_PER_SESSION || ticks > wanted) open(tick / TICKS_PER_SESSION);
            while (ticks < wanted) step();
            return "{\"symbol\":\"%s\",\"price\":%s,\"open\":%s,\"low\":%s,\"high\":%s,\"close\":%s,\"time\":\"%s\"}".formatted(
                    symbol, decimal(price), decimal(open), decimal(low), decimal(high), decimal(close), instant(traded));
        }

        /** Begins a session: overnight the price jumped a little. */
        private void open(long session) {
            double closed = anchor(session);
            this.session = session;
            ticks = 0;
            traded = session * TICKS_PER_SESSION;
            level = closed + 0.002 * normal(key, session);
            target = anchor(session + 1);
            close = cents(closed);
            price = open = low = high = cents(level);
        }

        /** One tick of a Brownian bridge in the logarithm of the price, with a trade in about every seventh. */
        private void step() {
            long left = TICKS_PER_SESSION - 1 - ticks;
            ticks += 1;
            level += (target - level) / left;
            long tick = session * TICKS_PER_SESSION + ticks;
            if (left > 1) {
                if (uniform(key ^ 1, tick) > 0.15) return;
                level += 0.0007 * normal(key ^ 2, tick);
            }
            price = cents(level);
            traded = tick;
            low = Math.min(low, price);
            high = Math.max(high, price);
        }

        /** Logarithm of the price between two sessions, in slow waves around a base from 20 to 400. */
        private double anchor(long session) {
            double base = Math.log(20) + Math.log(20) * uniform(key, 0);
            return base + (0.01 * wave(key ^ 3, session / 4.0) + 0.04 * wave(key ^ 4, session / 24.0)
                    + 0.1 * wave(key ^ 5, session / 168.0));
        }
    }

    private static double wave(int key, double at) {
        long before = (long) Math.floor(at);
        double part = at - before;
        double weight = part * part * (3 - 2 * part);
        return 2 * (uniform(key, before) * (1 - weight) + uniform(key, before + 1) * weight) - 1;
    }

    private static double normal(int key, long n) {
        int a = hash(key, n);
        int b = hash(key ^ 0x5bd1e995, n);
        int sum = (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
        return (sum / (double) 0xffff - 2) * Math.sqrt(3);
    }

    private static double uniform(int key, long n) {
        return Integer.toUnsignedLong(hash(key, n)) / 0x1p32;
    }

    private static int hash(int key, long n) {
        return mix(mix(mix(key) ^ (int) n) ^ (int) (n >>> 32));
    }

    /** The finaliser of MurmurHash3. */
    private static int mix(int n) {
        int h = (n ^ n >>> 16) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return h ^ h >>> 16;
    }

    private static long cents(double level) {
        return Math.max(1, Math.round(Math.exp(level) * 100));
    }

    private static BigDecimal decimal(long cents) {
        return BigDecimal.valueOf(cents, 2);
    }

    private static Instant instant(long tick) {
        return Instant.ofEpochMilli(tick * TICK_MS);
    }
}
