using CComet.Sqlite;
using CComet.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the SQLite store.</summary>
public static class SqliteBuilderExtensions
{
    /// <summary>Keeps the logs in a SQLite file, instead of in the store that was there before.</summary>
    /// <param name="builder">What <c>AddCComet()</c> returned.</param>
    /// <param name="configure">
    /// Sets the options. They are checked when the application starts, which then fails with an <see cref="OptionsValidationException"/>.
    /// </param>
    /// <returns>The same builder, for further calls.</returns>
    public static ICCometBuilder AddSqliteStore(this ICCometBuilder builder, Action<SqliteStoreOptions>? configure = null)
    {
        var options = builder.Services.AddOptions<SqliteStoreOptions>().ValidateOnStart();
        if (configure is not null) options.Configure(configure);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SqliteStoreOptions>, SqliteStoreOptionsValidator>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IMessageStore, SqliteStore>());
        return builder;
    }
}
