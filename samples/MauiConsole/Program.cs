using System.Collections.Specialized;
using MauiConsole;

if (args.Length != 3 || !Uri.TryCreate(args[0], UriKind.Absolute, out var url))
{
    Console.Error.WriteLine("Usage: MauiConsole URL CHANNEL FILE");
    return 2;
}

UiThread.Run(async ui =>
{
    await using var page = new ChannelViewModel(url, args[1], new CursorFile(args[2]));

    // The view. A page in XAML binds to the same: ItemsSource="{Binding Messages}", Text="{Binding Status}".
    page.Messages.CollectionChanged += (_, change) =>
    {
        ui.VerifyAccess();
        if (change.Action == NotifyCollectionChangedAction.Add) Console.WriteLine(change.NewItems![0]);
    };
    page.PropertyChanged += (_, change) =>
    {
        ui.VerifyAccess();
        var text = change.PropertyName == nameof(ChannelViewModel.Status) ? page.Status : page.Trouble;
        if (text.Length > 0) Console.WriteLine($"[{text}]");
    };

    page.Resume();
    while (await Task.Run(Console.ReadLine) is { } line && line != "/quit")
    {
        if (line == "/suspend") await page.SuspendAsync();
        else if (line == "/resume") page.Resume();
        else if (line.Length > 0) await page.PublishAsync(line);
    }
});
return 0;
