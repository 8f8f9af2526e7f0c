using System.Collections.ObjectModel;
using System.ComponentModel;
using System.Runtime.CompilerServices;
using CComet.Client;

namespace MauiConsole;

/// <summary>One channel, as a page shows it. Knows nothing of the view; a page of MAUI or WPF binds to it as it is.</summary>
/// <remarks>
/// Used on the UI thread alone. The awaits capture its synchronization context, so the properties and the collection change on that thread too,
/// which data binding requires.
/// </remarks>
internal sealed class ChannelViewModel(Uri url, string channel, ISavedCursor saved) : INotifyPropertyChanged, IAsyncDisposable
{
    private CCometClient? _client;
    private Task _following = Task.CompletedTask;

    public event PropertyChangedEventHandler? PropertyChanged;

    /// <summary>Gets what has come, the oldest first.</summary>
    public ObservableCollection<string> Messages { get; } = [];

    /// <summary>Gets what the page says of the connection.</summary>
    public string Status
    {
        get;
        private set => Set(ref field, value);
    }

    = "suspended";

    /// <summary>Gets the last failure that passes by itself, or why it ended; empty when something has come since.</summary>
    public string Trouble
    {
        get;
        private set => Set(ref field, value);
    }

    = "";

    /// <summary>Begins to follow behind the last message that was shown. Call it when the page appears and when the application resumes.</summary>
    public void Resume()
    {
        if (_client is not null) return;
        var ui = SynchronizationContext.Current ?? throw new InvalidOperationException("Resume must be called on the UI thread.");

        // The client tells it on a thread of its own.
        _client = new CCometClient(url, new CCometClientOptions { OnRetry = retry => ui.Post(_ => Trouble = retry.Exception.Detail, null) });
        _following = FollowAsync(_client, _following);
    }

    /// <summary>Ends every connection. A phone freezes a suspended application without notice: what is open then is dead when it wakes.</summary>
    public async Task SuspendAsync()
    {
        if (_client is not { } client) return;
        _client = null;
        var following = _following;
        await client.DisposeAsync();
        await following;
        if (_client is null) Status = "suspended";
    }

    public async ValueTask DisposeAsync() => await SuspendAsync();

    /// <summary>Publishes a text.</summary>
    public async Task PublishAsync(string text)
    {
        if (_client is null)
        {
            Trouble = "Suspended: nothing is published.";
            return;
        }

        try
        {
            await _client.PublishAsync(channel, text);
        }
        catch (CCometException e)
        {
            Trouble = e.Detail;
        }
    }

    /// <summary>Follows until the client is disposed of, once the loop before has shown and saved its last message.</summary>
    private async Task FollowAsync(CCometClient client, Task before)
    {
        await before;
        if (client != _client) return;
        Status = "connecting";
        var from = saved.Value ?? CCometCursor.Start;
        while (client == _client)
        {
            try
            {
                await using var subscription = client.Subscribe(channel, new SubscribeOptions { From = from });
                await subscription.Opened;
                Status = "open";
                await foreach (var message in subscription)
                {
                    Messages.Add(message.Sname is null ? message.Text : $"{message.Sname}: {message.Text}");
                    Trouble = "";
                    saved.Value = from = message.Cursor;
                }
            }
            catch (CCometGapException e)
            {
                Messages.Add(e.Gap.IsReset ? $"(The log began anew; messages from {e.Gap.From} on are lost.)" : $"(Messages {e.Gap.From} to {e.Gap.To} are lost.)");
                saved.Value = from = e.Gap.Cursor;
            }
            catch (OperationCanceledException)
            {
                // Suspended before it was open.
            }
            catch (CCometException e)
            {
                // Final, such as a missing right. Resume tries again after SuspendAsync.
                Status = "refused";
                Trouble = e.Detail;
                return;
            }
        }
    }

    private void Set(ref string field, string value, [CallerMemberName] string? property = null)
    {
        if (field == value) return;
        field = value;
        PropertyChanged?.Invoke(this, new PropertyChangedEventArgs(property));
    }
}
