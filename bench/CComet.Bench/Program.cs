using CComet.Bench;

// Everything is found from the root of the checkout, which bench/run.sh gives first.
switch (args)
{
    case [var root, "stores"]:
        await new StoreBench(root).RunAsync();
        return 0;
    case [var root, "repoll"]:
        await new RepollBench(root).RunAsync();
        return 0;
    case [var root, "scrape"]:
        await new ScrapeBench(root).RunAsync();
        return 0;
    case [var root, "peers", .. var rest] when PeerOptions.Read(rest, root) is { } options:
        await new PeerBench(options).RunAsync();
        return 0;
    default:
        await Console.Error.WriteLineAsync($"""
            Usage: bench/run.sh stores
                   bench/run.sh repoll
                   bench/run.sh scrape
                   bench/run.sh peers [workload …] [--rounds 3] [--peer NAME …] [--against FOLDER …] [--icomet PATH] [--plot FILE.svg]
            Workloads: {string.Join(", ", PeerBench.Keys)}; without one, all.
            --peer     only these: CComet, nchan, SignalR, "an empty endpoint", "CComet via icomet dialect", "CComet by bearer",
                      "CComet by ticket", icomet; the first of
                       those that take part is the one that ratios are of
            --against  another build of CComet beside this one: the folder it was published to
            --icomet   the binary of icomet (icomet-server); without it, icomet is skipped
            --server-cores  the cores that servers may use, as taskset takes them; without it, all
            --plot     where to write the ratios as a picture
            """);
        return 2;
}
