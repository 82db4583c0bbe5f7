// Scores one lead in Java; not tested. In this folder, with JBang: `ORT_DISABLE_TELEMETRY=1 jbang Score.java`.
//DEPS com.microsoft.onnxruntime:onnxruntime:1.30.0
//DEPS com.fasterxml.jackson.core:jackson-databind:2.20.0
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

public class Score {
    public static void main(String[] arguments) throws Exception {
        Map<String, Object> lead = Map.of("total_visits", 5f, "total_time_spent_on_website", 1200f, "lead_source", "Google");
        var environment = OrtEnvironment.getEnvironment();
        try (var session = environment.createSession("../models/lead_conversion.onnx")) {
            var card = new ObjectMapper().readTree(session.getMetadata().getCustomMetadata().get("card"));
            var inputs = new LinkedHashMap<String, OnnxTensor>();
            for (var column : card.at("/dictionary/column")) {
                if (!column.get("role").asText().equals("feature")) continue;
                var name = column.get("name").asText();
                Object tensor = column.get("kind").asText().equals("number")
                        ? new float[][] {{(float) lead.getOrDefault(name, Float.NaN)}}
                        : new String[][] {{(String) lead.getOrDefault(name, "")}};
                inputs.put(name, OnnxTensor.createTensor(environment, tensor));
            }
            try (var output = session.run(inputs)) {
                var probability = ((float[]) output.get("probability").get().getValue())[0];
                var contributions = ((float[][]) output.get("contributions").get().getValue())[0];
                var converts = probability >= card.at("/threshold/value").asDouble();
                System.out.printf("%.6f %s%n", probability, converts ? "converts" : "does not convert");
                var names = List.copyOf(inputs.keySet());
                IntStream.range(0, names.size()).boxed()
                        .sorted(Comparator.comparing((Integer index) -> -Math.abs(contributions[index])))
                        .limit(3)
                        .forEach(index -> System.out.printf("%.4f %s%n", contributions[index], names.get(index)));
            } finally {
                OnnxValue.close(inputs);
            }
        }
    }
}
