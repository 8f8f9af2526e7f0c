using BenchmarkDotNet.Running;
using CComet.Microbenchmarks;

if (args is ["parked"]) await ParkedMemory.RunAsync(subscribers: 1_000_000, channels: 1_000);
else BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
