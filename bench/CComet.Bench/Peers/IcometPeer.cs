namespace CComet.Bench.Peers;

/// <summary>icomet (https://github.com/ideawu/icomet), whose binary the command line names.</summary>
internal sealed class IcometPeer(string binary) : IcometDialectPeer
{
    public override string Name => "icomet";

    public override Task<Server> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("ccomet-bench-icomet-");
        return Server.StartAsync(
            binary,
            (front, admin) =>
            {
                var file = Path.Combine(folder.FullName, "icomet.conf");
                File.WriteAllText(file, Configuration(front, admin));
                return [file];
            },
            folder);
    }

    /// <summary>
    /// icomet takes its folder from the file's. It reads tabs alone as indentation. Bounds are beyond what any workload needs; it keeps as
    /// many messages as nchan here. Nothing below an error is logged: at its default level it logs every message.
    /// </summary>
    private static string Configuration(int front, int admin) =>
        $"""
        pidfile = ./icomet.pid
        logger:
        {'\t'}level: error
        {'\t'}output: ./log.txt
        admin:
        {'\t'}listen: 127.0.0.1:{admin}
        {'\t'}allow: 127.0.0.1
        front:
        {'\t'}listen: 127.0.0.1:{front}
        {'\t'}auth: none
        {'\t'}max_channels: 100000
        {'\t'}max_subscribers_per_channel: 100000
        {'\t'}channel_buffer_size: 100
        {'\t'}channel_timeout: 30
        {'\t'}polling_timeout: 30

        """;
}
