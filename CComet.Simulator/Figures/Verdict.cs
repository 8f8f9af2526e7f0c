namespace CComet.Simulator.Figures;

/// <summary>What a run comes to, in a line.</summary>
internal static class Verdict
{
    public static string Format(RunResult result)
    {
        var promise = result.Promise;
        if (!promise.IsKept)
            return $"The promise was broken: {promise.Lost} lost, {promise.Repeated} repeated, {promise.OutOfOrder} out of order, {promise.InconsistentCursors} inconsistent cursors.";
        if (result.ExitCode != 0) return $"Nothing came through: {result.PublishErrors} publishes were refused{result.Connections.Errors.Select(e => $" ({e.Key})").FirstOrDefault()}.";
        if (result.Subscribers == 0) return result.PublishErrors == 0 ? "Every publish was acknowledged." : $"{result.PublishErrors} publishes were not acknowledged.";
        var told = promise.Gaps + promise.Resets > 0 ? $"; {promise.Gaps} gaps ({promise.GapMessages} messages) and {promise.Resets} resets were told" : "";
        return $"The promise was kept{told}.";
    }
}
