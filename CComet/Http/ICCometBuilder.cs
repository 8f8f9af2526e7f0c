namespace Microsoft.Extensions.DependencyInjection;

/// <summary>What <c>AddCComet()</c> returns, to which packages add a store and others of their services.</summary>
public interface ICCometBuilder
{
    /// <summary>The services of the application.</summary>
    IServiceCollection Services { get; }
}
