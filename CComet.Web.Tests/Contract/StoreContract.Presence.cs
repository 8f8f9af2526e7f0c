using System.Globalization;
using System.Text;
using System.Text.Json;
using CComet.Messages;
using CComet.Storage;
using CComet.Web.Tests.Support;

namespace CComet.Web.Tests.Contract;

/// <summary>That the messages of a log of presence always give its members, whoever holds them.</summary>
public abstract partial class StoreContract
{
    private const string Hall = "$presence:hall";
    private const int NoBound = 1_000;

    [Fact]
    public async Task First_holder_joins_a_member_and_the_last_one_to_let_go_ends_it()
    {
        var store = Presence(Open(new HubOptions()));
        Assert.Equal(0, (await store.ReadMembersAsync(Hall, withMembers: true)).Count);
        await HoldAsync(store, "n1", "ann", "bob");
        await HoldAsync(store, "n2", "ann");
        await HoldAsync(store, "n2", "ann");
        Assert.Equal(["JOIN ann 0", "JOIN bob 1"], await LogAsync(store));

        await LetGoAsync(store, "n3", "ann");
        await LetGoAsync(store, "n1", "ann", "nobody");
        await LetGoAsync(store, "n1", "ann");
        Assert.Equal(["JOIN ann 0", "JOIN bob 1"], await LogAsync(store));
        await LetGoAsync(store, "n2", "ann");
        Assert.Equal(["JOIN ann 0", "JOIN bob 1", "LEAVE ann 2"], await LogAsync(store));

        var list = await store.ReadMembersAsync(Hall, withMembers: true);
        Assert.Equal(("bob", 1, 3L), (Assert.Single(list.Members).Name, list.Count, list.Head.End));
        Assert.Empty((await store.ReadMembersAsync(Hall, withMembers: false)).Members);
    }

    [Fact]
    public async Task Member_has_the_time_and_the_info_of_its_join()
    {
        var store = Presence(Open(new HubOptions()));
        await store.ChangeMembersAsync(Hall, "n1", [new("ann", IsHeld: true, "{\"a\":\"ä:\"}"u8.ToArray()), new("b\" 😀", IsHeld: true)], NoBound);
        var since = Time.GetUtcNow().ToUnixTimeMilliseconds();
        Time.Advance(TimeSpan.FromSeconds(5));
        await store.ChangeMembersAsync(Hall, "n2", [new("ann", IsHeld: true, "2"u8.ToArray())], NoBound);

        var members = (await store.ReadMembersAsync(Hall, withMembers: true)).Members.OrderBy(member => member.Name, StringComparer.Ordinal).ToList();
        Assert.Equal(["ann", "b\" 😀"], members.Select(member => member.Name));
        Assert.Equal((since, "{\"a\":\"ä:\"}", ""), (members[0].Since, Encoding.UTF8.GetString(members[0].Info.Span), Encoding.UTF8.GetString(members[1].Info.Span)));
        var join = (await ((IMessageStore)store).ReadAsync(Hall, 0, long.MaxValue)).Messages[0];
        Assert.Equal($$"""{"type":"JOIN","channel":"$presence:hall","user":"ann","info":{"a":"ä:"},"seqid":0,"time":{{since}}}""", join.ToString());
        Assert.Equal((MessageType.Join, "\"ann\"", "{\"a\":\"ä:\"}"), (join.Type, Encoding.UTF8.GetString(join.Sname.Span), Encoding.UTF8.GetString(join.Body.Span)));
    }

    [Fact]
    public async Task Log_that_has_its_members_takes_no_other_but_holds_those_it_has()
    {
        var store = Presence(Open(new HubOptions()));
        Assert.Equal([2], await store.ChangeMembersAsync(Hall, "n1", [new("a", IsHeld: true), new("b", IsHeld: true), new("c", IsHeld: true)], maxMembers: 2));
        Assert.Empty(await store.ChangeMembersAsync(Hall, "n2", [new("b", IsHeld: true)], maxMembers: 2));
        Assert.Empty(await store.ChangeMembersAsync(Hall, "n1", [new("a", IsHeld: false), new("c", IsHeld: true)], maxMembers: 2));
        Assert.Equal(["JOIN a 0", "JOIN b 1", "LEAVE a 2", "JOIN c 3"], await LogAsync(store));
    }

    [Fact]
    public async Task Followers_of_a_log_of_presence_are_told_of_its_messages()
    {
        var store = Open(new HubOptions());
        var recorder = new Recorder(store, Hall);
        await store.FollowAsync(Hall, recorder);
        await HoldAsync(Presence(store), "n1", "ann");
        await LetGoAsync(Presence(store), "n1", "ann");
        await Eventually.TrueAsync(() => recorder.Seqids is [0, 1], "Both messages");
    }

    [Fact]
    public async Task What_a_holder_holds_is_read_and_let_go_of_once_its_lease_has_run_out()
    {
        var store = Presence(Open(new HubOptions()));
        Assert.True(await store.RenewLeaseAsync("n1", TimeSpan.FromMilliseconds(300), isNew: true));
        Assert.True(await store.RenewLeaseAsync("n2", TimeSpan.FromHours(1), isNew: true));
        Assert.True(await store.RenewLeaseAsync("n2", TimeSpan.FromHours(1), isNew: false));
        Assert.False(await store.RenewLeaseAsync("n3", TimeSpan.FromHours(1), isNew: false));
        await HoldAsync(store, "n1", "ann", "bob");
        await HoldAsync(store, "n2", "bob");
        await store.ChangeMembersAsync("other", "n1", [new("cy", IsHeld: true)], NoBound);
        await Time.UntilAsync(async () => await store.ReadLapsedAsync() is ["n1"], TimeSpan.FromMilliseconds(10), "The end of the lease");
        Assert.False(await store.RenewLeaseAsync("n1", TimeSpan.FromHours(1), isNew: false));

        Assert.Single(await store.ReadHeldAsync("n1", 1));
        var held = await store.ReadHeldAsync("n1", 10);
        Assert.Equal([(Hall, "ann"), (Hall, "bob"), ("other", "cy")], held.Order());
        foreach (var (log, member) in held) await store.ChangeMembersAsync(log, "n1", [new(member, IsHeld: false)], NoBound);
        Assert.Empty(await store.ReadHeldAsync("n1", 10));
        await store.ForgetHolderAsync("n1");
        Assert.Empty(await store.ReadLapsedAsync());
        Assert.Equal(["JOIN ann 0", "JOIN bob 1", "LEAVE ann 2"], await LogAsync(store));
        Assert.Equal("LEAVE cy 1", (await LogAsync(store, "other"))[^1]);
    }

    [Fact]
    public async Task Messages_replayed_give_the_members_after_any_changes_of_several_holders()
    {
        var seed = Environment.GetEnvironmentVariable("CCOMET_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var store = Presence(Open(new HubOptions()));
        var holds = new HashSet<(string, string)>[4];
        await Task.WhenAll(Enumerable.Range(0, holds.Length).Select(async n =>
        {
            var random = new Random(seed + n);
            var own = holds[n] = [];
            for (var round = 0; round < 60; round++)
            {
                var users = Enumerable.Range(0, 5).Select(_ => $"u{random.Next(6)}").Distinct().ToList();
                List<MemberChange> changes = [.. users.Select(user => new MemberChange(user, random.Next(2) == 0))];
                await Task.Run(async () => await store.ChangeMembersAsync(Hall, $"n{n}", changes, NoBound));
                foreach (var change in changes)
                {
                    if (change.IsHeld) own.Add((change.Member, $"n{n}"));
                    else own.Remove((change.Member, $"n{n}"));
                }
            }
        }));

        var there = new HashSet<string>();
        foreach (var told in await LogAsync(store))
        {
            var (type, user) = (told.Split(' ')[0], told.Split(' ')[1]);
            Assert.True(type == "JOIN" ? there.Add(user) : there.Remove(user), $"CCOMET_SEED={seed}: {told} is repeated");
        }

        Assert.Equal(there.Order(), (await store.ReadMembersAsync(Hall, withMembers: true)).Members.Select(member => member.Name).Order());
        Assert.Equal(there.Order(), holds.SelectMany(own => own).Select(hold => hold.Item1).Distinct().Order());
    }

    protected static IPresenceStore Presence(IMessageStore store) => Assert.IsAssignableFrom<IPresenceStore>(store);

    protected static async Task<List<string>> LogAsync(IPresenceStore store, string log = Hall)
    {
        var slice = await ((IMessageStore)store).ReadAsync(log, 0, long.MaxValue);
        return [.. slice.Messages.Select(message => JsonDocument.Parse(message.Record).RootElement).Select(told => $"{told.GetProperty("type")} {told.GetProperty("user")} {told.GetProperty("seqid")}")];
    }

    protected static async Task HoldAsync(IPresenceStore store, string holder, params string[] members) => await store.ChangeMembersAsync(Hall, holder, [.. members.Select(member => new MemberChange(member, IsHeld: true))], NoBound);

    protected static async Task LetGoAsync(IPresenceStore store, string holder, params string[] members) => await store.ChangeMembersAsync(Hall, holder, [.. members.Select(member => new MemberChange(member, IsHeld: false))], NoBound);
}
