import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The quotes service in Java: the JDK's HttpServer. It knows nothing of TLS or SPIFFE (docs/app-contract.md). */
public final class Quotes {
    private static final int MAX_BODY = 16 * 1024;
    /** Seconds: as long as the sidecar may still use an idle connection (3), and a little longer. */
    private static final long IDLE_GRACE = 4;

    private static final Pattern ADDRESS =
            Pattern.compile("(?:\\[([0-9A-Fa-f:.]+)\\]|([A-Za-z0-9._-]+)):([0-9]{1,5})");
    private static final String PAIR = "(?i:By|Hash|Cert|Chain|Subject|DNS)=(?:\"(?:[^\"\\\\]|\\\\.)*+\"|[^\",;=\\\\ ]*+)";
    private static final String SPIFFE_ID = "spiffe://[a-z0-9._-]{1,255}(?:/(?!\\.{1,2}(?:/|;|$))[A-Za-z0-9._-]++)+";
    /** One element with one URI, and that the SPIFFE ID of a workload. */
    private static final Pattern CALLER =
            Pattern.compile("(?:%s;)*+(?i:URI)=%s(?:;%s)*+".formatted(PAIR, SPIFFE_ID, PAIR));

    private final Market market = new Market();
    private volatile Instant lastAnswer = Instant.EPOCH;
    /** When it will have stopped; null: it is not stopping. */
    private volatile Instant end;

    public static void main(String[] arguments) {
        InetSocketAddress address = parseAddress(System.getenv().getOrDefault("LISTEN", ""));
        // HttpServer writes head and body apart, and Nagle's algorithm would hold the body back.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        try {
            new Quotes().serve(HttpServer.create(address, 128));
        } catch (IOException error) {
            fail(69, "cannot listen on " + address + ": " + error.getMessage()); // EX_UNAVAILABLE
        }
    }

    private void serve(HttpServer server) {
        server.createContext("/", this::handle);
        server.setExecutor(Executors.newCachedThreadPool());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
        server.start();
    }

    /**
     * HttpServer.stop takes no new connections, and closes the idle ones as soon as no exchange is under way; a request may
     * be on its way in one. Therefore each exchange from now on lasts until the end, and there is one: its own. A connection
     * that was last used before IDLE_GRACE is none of a sidecar's any more.
     */
    private void stop(HttpServer server) {
        int grace = (int) Math.max(1, IDLE_GRACE - Duration.between(lastAnswer, Instant.now()).toSeconds());
        end = Instant.now().plusSeconds(grace);
        try (Socket own = new Socket(server.getAddress().getAddress(), server.getAddress().getPort())) {
            own.getOutputStream().write("GET /health HTTP/1.1\r\nHost: quotes\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            own.getInputStream().read();
            server.stop(grace);
        } catch (IOException error) {
            server.stop(grace);
        }
        Runtime.getRuntime().halt(0); // after SIGTERM it would be 143
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            List<String> callers = exchange.getRequestHeaders().get("X-Forwarded-Client-Cert");
            if (exchange.getRequestBody().readNBytes(MAX_BODY + 1).length > MAX_BODY) {
                problem(exchange, 413, "BODY_TOO_LARGE", "The body is larger than 16 KiB");
            } else if (callers != null && !CALLER.matcher(String.join(", ", callers)).matches()) {
                problem(exchange, 400, "CALLER_INVALID", "x-forwarded-client-cert must name exactly one caller");
            } else {
                route(exchange);
            }
            exchange.getResponseBody().flush();
            lastAnswer = Instant.now();
            while (end != null && Instant.now().isBefore(end)) LockSupport.parkUntil(end.toEpochMilli() + 1);
        }
    }

    private void route(HttpExchange exchange) throws IOException {
        String method = exchange.getRequestMethod().replace("HEAD", "GET");
        switch (method + " " + exchange.getRequestURI().getRawPath()) {
            case "GET /quotes" -> answer(exchange, 200, market.at(Instant.now()));
            case "GET /health" -> {
                if (end == null) answer(exchange, 200, "{\"status\":\"ok\"}");
                else answer(exchange, 503, "{\"status\":\"stopping\"}");
            }
            default -> problem(exchange, 404, "NOT_FOUND", "There is nothing here");
        }
    }

    private void problem(HttpExchange exchange, int status, String code, String message) throws IOException {
        answer(exchange, status, "{\"code\":\"%s\",\"message\":\"%s\"}".formatted(code, message));
    }

    private void answer(HttpExchange exchange, int status, String json) throws IOException {
        byte[] content = json.getBytes(StandardCharsets.UTF_8);
        var headers = exchange.getResponseHeaders();
        headers.set("Content-Type", "application/json; charset=utf-8");
        headers.set("Cache-Control", "no-store");
        if (end != null) headers.set("Connection", "close");
        if (exchange.getRequestMethod().equals("HEAD")) {
            headers.set("Content-Length", Integer.toString(content.length));
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, content.length);
        exchange.getResponseBody().write(content);
    }

    /** Reads `host:port`: HttpServer listens on TCP only. */
    private static InetSocketAddress parseAddress(String listen) {
        Matcher match = ADDRESS.matcher(listen);
        if (listen.startsWith("unix:")) fail(78, "LISTEN: the JDK's HttpServer has no Unix sockets, give the app `listen:`");
        if (!match.matches()) fail(78, "LISTEN: '" + listen + "' is not host:port"); // EX_CONFIG
        int port = Integer.parseInt(match.group(3));
        if (port < 1 || port > 65535) fail(78, "LISTEN: '" + listen + "' has no port from 1 to 65535");
        return new InetSocketAddress(match.group(1) != null ? match.group(1) : match.group(2), port);
    }

    private static void fail(int status, String message) {
        System.err.println("quotes: " + message);
        System.exit(status);
    }
}
