namespace CComet.Web.Tests.Support;

/// <summary>Tests that measure or load the whole process run with nothing beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
