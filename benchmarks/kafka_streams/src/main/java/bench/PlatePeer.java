package bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * The engine's exact matching as one would write it with Kafka Streams: exactly once, a HashSet of
 * plates, hits to a topic of their own. Writes one JSON object of figures when all reads are done.
 */
public final class PlatePeer {
    private static final long WAIT_S_MAX = 600;

    private final JsonFactory json = new JsonFactory();
    private final Set<String> listed;
    private final long reads;
    private final long warmReads;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong hits = new AtomicLong();
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile long startedNs;
    private volatile long warmNs;
    private volatile long endedNs;

    private PlatePeer(Set<String> listed, long reads, long warmReads) {
        this.listed = listed;
        this.reads = reads;
        this.warmReads = warmReads;
    }

    /** Arguments: file of plates, reads, reads to warm up, topics of reads and hits, settings. */
    public static void main(String[] words) throws Exception {
        Set<String> listed = plates(Path.of(words[0]));
        PlatePeer peer = new PlatePeer(listed, Long.parseLong(words[1]), Long.parseLong(words[2]));
        Properties settings = settings();
        for (int at = 5; at < words.length; at++) {
            String[] parts = words[at].split("=", 2);
            settings.put(parts[0], parts[1]);
        }
        System.out.println(peer.run(settings, words[3], words[4]));
    }

    private static Set<String> plates(Path path) throws IOException {
        Set<String> found = new HashSet<>(1 << 21);
        try (BufferedReader lines = Files.newBufferedReader(path, StandardCharsets.US_ASCII)) {
            lines.lines().map(PlatePeer::normalise).forEach(found::add);
        }
        return found;
    }

    private static Properties settings() {
        Properties settings = new Properties();
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put("auto.offset.reset", "earliest");
        settings.put("producer.compression.type", "lz4");
        return settings;
    }

    private String run(Properties settings, String from, String to) throws InterruptedException {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(from, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .filter((key, value) -> take(value))
                .to(to, Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (KafkaStreams streams = new KafkaStreams(builder.build(), settings)) {
            streams.setUncaughtExceptionHandler(error -> {
                failure.set(error);
                done.countDown();
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            boolean ended = done.await(WAIT_S_MAX, TimeUnit.SECONDS);
            if (!ended || failure.get() != null) {
                throw new IllegalStateException("reads done: " + taken.get(), failure.get());
            }
            streams.close(Duration.ofSeconds(30));
        }
        return String.format(
                Locale.ROOT,
                "{\"reads\": %d, \"hits\": %d, \"seconds\": %.6f, \"warm_seconds\": %.6f}",
                taken.get(), hits.get(), (endedNs - startedNs) / 1e9, (endedNs - warmNs) / 1e9);
    }

    private boolean take(byte[] value) {
        long number = taken.incrementAndGet();
        if (number == 1) {
            startedNs = System.nanoTime();
        }
        if (number == warmReads + 1) {
            warmNs = System.nanoTime();
        }
        String plate = plate(value);
        boolean hit = plate != null && listed.contains(normalise(plate));
        if (hit) {
            hits.incrementAndGet();
        }
        if (number == reads) {
            endedNs = System.nanoTime();
            done.countDown();
        }
        return hit;
    }

    /** Parses the whole read, as a program must that may not take a torn one for good. */
    private String plate(byte[] value) {
        String found = null;
        try (JsonParser parser = json.createParser(value)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return null;
            }
            for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
                JsonToken token = parser.nextToken();
                if (name.equals("plate") && token == JsonToken.VALUE_STRING) {
                    found = parser.getText();
                } else {
                    parser.skipChildren();
                }
            }
        } catch (IOException broken) {
            return null;
        }
        return found;
    }

    /** Gives letters and digits in upper case and leaves the rest out: ASCII only. */
    private static String normalise(String plate) {
        char[] kept = new char[plate.length()];
        int count = 0;
        for (int at = 0; at < plate.length(); at++) {
            char letter = plate.charAt(at);
            if (letter >= 'a' && letter <= 'z') {
                letter -= 'a' - 'A';
            }
            if (letter >= 'A' && letter <= 'Z' || letter >= '0' && letter <= '9') {
                kept[count++] = letter;
            }
        }
        return new String(kept, 0, count);
    }
}
