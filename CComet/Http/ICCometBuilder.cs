namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Returned by <c>AddCComet()</c>; the packages of the stores extend it. An application implements it only in tests of its own.</summary>
public interface ICCometBuilder
{
    /// <summary>The services of the application.</summary>
    IServiceCollection Services { get; }
}
