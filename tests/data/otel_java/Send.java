import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import java.util.concurrent.TimeUnit;

/** The stock Java SDK as its environment configures it: a span, a log record and a metric. Prints the trace id. */
class Send {
  public static void main(String[] arguments) {
    OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.initialize().getOpenTelemetrySdk();
    var span = sdk.getTracer("checkout").spanBuilder("GET /cart from Java").startSpan();
    span.setAttribute("items", 3).setAttribute("tollspan.unit", "acme").end();
    sdk.getSdkLoggerProvider().get("checkout").logRecordBuilder()
        .setSeverity(Severity.INFO).setBody("paid from Java").emit();
    sdk.getMeter("checkout").counterBuilder("java.orders").build().add(2);
    if (!sdk.shutdown().join(30, TimeUnit.SECONDS).isSuccess()) {
      throw new IllegalStateException("not everything was exported");
    }
    System.out.println(span.getSpanContext().getTraceId());
  }
}
