using System.CommandLine;
using CComet.Simulator.Scenarios;

namespace CComet.Simulator.Commands;

/// <summary>Runs a scenario as it was asked for; gives the exit code.</summary>
internal delegate Task<int> ScenarioRunner(Scenario scenario, Settings settings, CancellationToken cancel);

/// <summary>The sub-commands: one for each scenario, with the options that it has besides the common ones.</summary>
internal static class ScenarioCommands
{
    private const int MaxSubscribers = 1_000_000;
    private const double MaxRate = 1_000_000;

    public static RootCommand Build(string commandLine, ScenarioRunner run)
    {
        var maker = new Maker(commandLine, run);
        return new RootCommand(
            "Puts load on a CComet server and holds it to its promise: every subscriber gets each message in order, exactly once, or is told of the gap.\n\n"
            + "Messages are sent on a schedule fixed beforehand, and latency counts from the time at which a message was to be sent. A server that holds up "
            + "its publishers is charged for the wait (no coordinated omission). In 'publish' the schedule is the server's own: latency there counts from the sending.\n\n"
            + "Exit codes: 0 all well, 1 the promise was broken or nothing came through, 2 an option is wrong, 3 the server does not answer.")
        {
            maker.Idle(),
            maker.OneChannel(Steady.Fanout, 10, "10s"),
            maker.Pairs(),
            maker.Chat(),
            maker.OneChannel(new Storm(), 10, "15s"),
            maker.Soak(),
            maker.Publish(),
        };
    }

    private static Option<int> Subscribers() => Bounded.Count("--subscribers", 1000, 1, MaxSubscribers, "How many follow");

    private static Option<int> Channels(int standard) => Bounded.Count("--channels", standard, 1, MaxSubscribers, "Channels over which all is spread");

    /// <summary>The options of all that publish on a schedule.</summary>
    private sealed class Schedule(double perSecond, string duration)
    {
        private readonly Option<double> _rate = Bounded.Rate("--rate", perSecond, MaxRate, "Messages published in a second, in all");
        private readonly Option<TimeSpan> _time = Bounded.Time("--duration", duration, "How long messages are published");
        private readonly Option<int> _publishers = Bounded.Count("--publishers", 16, 1, 10_000, "Connections that publish");

        public Option[] Options => [_rate, _time, _publishers];

        public Settings Read(ParseResult given, Settings settings) => settings with
        {
            Rate = given.GetValue(_rate),
            Duration = given.GetValue(_time),
            Publishers = given.GetValue(_publishers),
        };
    }

    private sealed class Maker(string commandLine, ScenarioRunner run)
    {
        public Command Idle()
        {
            var (subscribers, channels, time) = (Subscribers(), Channels(1), Bounded.Time("--duration", "10s", "How long they are kept"));
            return Make(new Idle(), [subscribers, channels, time], (given, settings) => Spread(settings, given.GetValue(subscribers), given.GetValue(channels)) with
            {
                Duration = given.GetValue(time),
                Publishers = 1,
            });
        }

        /// <summary>Subscribers of one channel, and messages at a rate.</summary>
        public Command OneChannel(Scenario scenario, double perSecond, string duration)
        {
            var (subscribers, schedule) = (Subscribers(), new Schedule(perSecond, duration));
            return Make(scenario, [subscribers, .. schedule.Options], (given, settings) => schedule.Read(given, Spread(settings, given.GetValue(subscribers), 1)));
        }

        public Command Pairs()
        {
            var (pairs, schedule) = (Bounded.Count("--pairs", 1000, 1, MaxSubscribers, "Channels, each with one subscriber"), new Schedule(1000, "10s"));
            return Make(Steady.Pairs, [pairs, .. schedule.Options], (given, settings) => schedule.Read(given, Spread(settings, given.GetValue(pairs), given.GetValue(pairs))));
        }

        public Command Chat()
        {
            var rooms = Bounded.Count("--rooms", 100, 1, MaxSubscribers, "Rooms");
            var people = Bounded.Count("--people", 10, 1, 1000, "People in a room");
            var schedule = new Schedule(200, "10s");
            return Make(Steady.Chat, [rooms, people, .. schedule.Options], (given, settings) => schedule.Read(given, Spread(settings, given.GetValue(rooms) * given.GetValue(people), given.GetValue(rooms))));
        }

        public Command Soak()
        {
            var (subscribers, channels, schedule) = (Subscribers(), Channels(10), new Schedule(100, "60s"));
            var drops = Bounded.Rate("--drops", 50, 100_000, "Connections cut in a second");
            return Make(new Soak(), [subscribers, channels, drops, .. schedule.Options], (given, settings) =>
                schedule.Read(given, Spread(settings, given.GetValue(subscribers), given.GetValue(channels))) with { Drops = given.GetValue(drops) });
        }

        public Command Publish()
        {
            var connections = Bounded.Count("--connections", 16, 1, 100_000, "Connections that publish");
            var (channels, time) = (Channels(1), Bounded.Time("--duration", "10s", "How long they publish"));
            return Make(new PublishOnly(), [connections, channels, time], (given, settings) => settings with
            {
                Channels = given.GetValue(channels),
                Duration = given.GetValue(time),
                Publishers = given.GetValue(connections),
            });
        }

        /// <summary>No more channels than subscribers, so that each channel has one.</summary>
        private static Settings Spread(Settings settings, int subscribers, int channels) => settings with { Subscribers = subscribers, Channels = Math.Min(channels, subscribers) };

        private Command Make(Scenario scenario, Option[] options, Func<ParseResult, Settings, Settings> read)
        {
            var common = new CommonOptions();
            var command = new Command(scenario.Name, scenario.Summary);
            foreach (var option in options) command.Options.Add(option);
            common.AddTo(command);
            command.SetAction((given, cancel) => run(scenario, read(given, common.Read(given, commandLine)), cancel));
            return command;
        }
    }
}
