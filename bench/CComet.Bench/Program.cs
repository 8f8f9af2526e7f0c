using CComet.Bench;

// Everything is found from the root of the checkout, where bench/run.sh stands.
if (args is not [var what, var root] || what != "stores")
{
    await Console.Error.WriteLineAsync("Usage: bench/run.sh stores");
    return 2;
}

await new StoreBench(root).RunAsync();
return 0;
