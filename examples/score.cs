// Scores one lead in C#; not tested. In this folder, with .NET 10: `ORT_DISABLE_TELEMETRY=1 dotnet run score.cs`.
#:package Microsoft.ML.OnnxRuntime@1.30.0
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

var lead = new Dictionary<string, object> { ["total_visits"] = 5f, ["total_time_spent_on_website"] = 1200f, ["lead_source"] = "Google" };
using var session = new InferenceSession("../models/lead_conversion.onnx");
using var card = JsonDocument.Parse(session.ModelMetadata.CustomMetadataMap["card"]);
var features = card.RootElement.GetProperty("dictionary").GetProperty("column").EnumerateArray()
    .Where(column => column.GetProperty("role").GetString() == "feature")
    .Select(column => (Name: column.GetProperty("name").GetString()!, Kind: column.GetProperty("kind").GetString()))
    .ToArray();

int[] shape = [1, 1];
var inputs = features.Select(column => column.Kind == "number"
    ? NamedOnnxValue.CreateFromTensor(column.Name, new DenseTensor<float>(new[] { lead.GetValueOrDefault(column.Name) as float? ?? float.NaN }, shape))
    : NamedOnnxValue.CreateFromTensor(column.Name, new DenseTensor<string>(new[] { lead.GetValueOrDefault(column.Name) as string ?? "" }, shape)));
using var output = session.Run(inputs.ToArray());
var probability = output.Single(value => value.Name == "probability").AsEnumerable<float>().Single();
var contributions = output.Single(value => value.Name == "contributions").AsEnumerable<float>();

var threshold = card.RootElement.GetProperty("threshold").GetProperty("value").GetDouble();
Console.WriteLine($"{probability:F6} {(probability >= threshold ? "converts" : "does not convert")}");
foreach (var (effect, column) in contributions.Zip(features).OrderByDescending(reason => Math.Abs(reason.First)).Take(3))
    Console.WriteLine($"{effect:F4} {column.Name}");
