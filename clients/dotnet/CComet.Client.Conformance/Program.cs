using CComet.Client.Conformance;

// The adapter speaks UTF-8 without a byte order mark, whatever the console does.
using var input = new StreamReader(Console.OpenStandardInput());
await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };
await using var adapter = new Adapter(input, output);
await adapter.RunAsync();
